"""What the conversions share: their options, a progress bar, and the table at the end."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from cafpy.errors import DataError

if TYPE_CHECKING:
    from cafpy.feed.convert.report import ConversionReport, Progress

_SHOWN = 10  # skipped images that are listed; the rest is counted
_CLASSES = 100  # that are listed


def conversion_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --backend and --force to a click command."""
    backends = click.Choice(["lmdb", "leveldb"], case_sensitive=False)
    for option in (
        click.option("--force", is_flag=True, help="Replace a database that exists."),
        click.option("--backend", default="lmdb", show_default=True, type=backends, help="The kind of database."),
    ):
        command = option(command)
    return command


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Give a function (done, total) that moves a bar on a terminal and does nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def print_report(report: ConversionReport) -> None:
    """Tell what was written and what was left out. Raises DataError when nothing was written."""
    click.echo(f"{report.path}: {report.written:,} records{_sizes(report)}")
    _print_classes(report)
    if report.skipped:
        click.echo(f"left out: {len(report.skipped):,}")
        for path, reason in report.skipped[:_SHOWN]:
            click.echo(f"  {path}: {reason}")
        if len(report.skipped) > _SHOWN:
            click.echo(f"  … and {len(report.skipped) - _SHOWN:,} more; in all:")
            for reason, count in Counter(reason for _, reason in report.skipped).most_common(_SHOWN):
                click.echo(f"  {count:>9,}  {reason}")
    if not report.written:
        raise DataError(f"{report.path}: nothing was written, as no image could be used")


def _print_classes(report: ConversionReport) -> None:
    """A table of the records of each class, and of what was left out of it."""
    labels = sorted(report.counts.keys() | report.left_out.keys())
    if labels:
        click.echo("  label    records" + "   left out" * bool(report.left_out) + "  class" * bool(report.labels))
    for label in labels[:_CLASSES]:
        left_out = f"  {report.left_out[label]:>9,}" if report.left_out else ""
        name = report.labels[label] if 0 <= label < len(report.labels) else ""
        click.echo(f"  {label:>5}  {report.counts[label]:>9,}{left_out}  {name}".rstrip())
    if len(labels) > _CLASSES:
        click.echo(f"  … {len(labels)} labels in all")


def _sizes(report: ConversionReport) -> str:
    if not report.shapes:
        return ""
    if len(report.shapes) == 1:
        (shape,) = report.shapes
        return f" of {'×'.join(map(str, shape))}"
    return f" of {len(report.shapes)} different sizes (give --resize before a net can use them)"
