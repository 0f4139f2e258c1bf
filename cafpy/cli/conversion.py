"""What the conversions share: their options, a progress bar, and the table at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from cafpy.errors import DataError

if TYPE_CHECKING:
    from cafpy.feed.convert.report import ConversionReport, Progress

_SHOWN = 10  # skipped images and classes that are listed; the rest is counted


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
    for label, count in sorted(report.counts.items())[:_SHOWN]:
        name = report.labels[label] if label < len(report.labels) else ""
        click.echo(f"  label {label:>3}  {count:>9,}  {name}".rstrip())
    if len(report.counts) > _SHOWN:
        click.echo(f"  … {len(report.counts)} labels in all")
    if report.skipped:
        click.echo(f"left out: {len(report.skipped):,}")
        for path, reason in report.skipped[:_SHOWN]:
            click.echo(f"  {path}: {reason}")
        if len(report.skipped) > _SHOWN:
            click.echo(f"  … and {len(report.skipped) - _SHOWN:,} more")
    if not report.written:
        raise DataError(f"{report.path}: nothing was written, as no image could be used")


def _sizes(report: ConversionReport) -> str:
    if len(report.shapes) == 1:
        (shape,) = report.shapes
        return f" of {'×'.join(map(str, shape))}"
    return f" of {len(report.shapes)} different sizes (give --resize before a net can use them)"
