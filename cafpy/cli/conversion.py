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
    """Add --backend, --force and --resume to a click command."""
    backends = click.Choice(["lmdb", "leveldb"], case_sensitive=False)
    for option in (
        click.option("--resume", is_flag=True, help="Go on with what a stopped run of the same command has left."),
        click.option("--force", is_flag=True, help="Replace a database that exists."),
        click.option("--backend", default="lmdb", show_default=True, type=backends, help="The kind of database."),
    ):
        command = option(command)
    return command


@contextmanager
def resumable_progress_bar(title: str) -> Iterator[Progress]:
    """:func:`progress_bar` of what can be resumed; who stops it is told."""
    try:
        with progress_bar(title) as progress:
            yield progress
    except KeyboardInterrupt:
        click.echo("stopped; the same command with --resume goes on, without it begins anew", err=True)
        raise


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


def convert_images(
    source: str,
    out: str,
    root: str | None,
    *,
    resize: tuple[int, int] | None,
    gray: bool,
    labels: str | None,
    max_pixels: int,
    split: float | None,
    encoded: bool,
    encode_type: str,
    quality: int | None,
    backend: str,
    **others: Any,
) -> None:
    """What the commands do that make databases of image files; ``others`` are options of convert_parts."""
    from cafpy.feed.convert.class_folders import read_labels
    from cafpy.feed.convert.image_record import ImageOptions
    from cafpy.feed.convert.imageset import convert_parts

    options = ImageOptions(resize, gray, encoded or bool(encode_type), encode_type, quality, max_pixels)
    with resumable_progress_bar(out) as progress:
        reports = convert_parts(
            source,
            [out] if split is None else [f"{out}_train", f"{out}_test"],
            options,
            fraction=split or 1.0,
            root=root,
            labels=read_labels(labels) if labels else None,
            backend=backend.upper(),
            progress=progress,
            **others,
        )
    for report in reports:
        print_report(report)


def print_report(report: ConversionReport) -> None:
    """Tell what was written and what was left out. Raises DataError when nothing was written."""
    click.echo(f"{report.path}: {report.written:,} records{_sizes(report)}")
    if report.resumed:
        click.echo(f"  {report.resumed:,} of them from the run that was stopped")
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
