"""`cafpy data check`: what is in a database, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from cafpy.cli.conversion import progress_bar
from cafpy.errors import DataError

if TYPE_CHECKING:
    from cafpy.feed.check import CheckReport, Duplicate

_SHOWN = 10  # corrupt records and duplicates that are listed; the rest is counted
_BAR = 30  # letters of the longest bar


@click.command(short_help="Damaged records, duplicates, sizes, records of each class.")
@click.argument("database")
@click.option("--against", metavar="DATABASE", help="Look for the same images in this one, too, as in the test set.")
@click.option("--labels", metavar="FILE", help="Names of the classes.  [default: labels.txt beside the database]")
@click.option("--jobs", type=click.IntRange(1), help="Threads that decode.  [default: one a core]")
def command(database: str, against: str | None, labels: str | None, jobs: int | None) -> None:
    """Read all of DATABASE and tell what is in it. The exit code is 1 when a record is corrupt.

    \b
    cafpy data check train_lmdb --against test_lmdb
    """
    from cafpy.feed.check import check_database

    names = class_names(database, labels)
    with progress_bar(database) as progress:
        report = check_database(database, other=against, jobs=jobs, progress=progress)
    click.echo(f"{database}: {report.records:,} records, {report.backend}, {report.bytes_on_disk / 1e6:,.1f} MB")
    _print_images(report)
    _print_classes(report, names)
    _print_duplicates("come twice", report.duplicates)
    if against is not None:
        _print_duplicates(f"are in {against}, too", report.shared)
    click.echo(f"  corrupt: {len(report.corrupt):,}")
    for key, problem in report.corrupt[:_SHOWN]:
        click.echo(f"    '{key}' {problem}")
    if report.corrupt:
        raise DataError(f"{database}: {len(report.corrupt):,} of {report.records:,} records are corrupt")


def class_names(database: str, labels: str | None) -> Sequence[str]:
    """Names of the labels: of the file given, or of labels.txt beside the database, or none."""
    from cafpy.feed.convert.class_folders import LABELS_FILE, read_labels

    file = labels or Path(database).parent / LABELS_FILE
    return read_labels(file) if labels or Path(file).is_file() else ()


def _print_images(report: CheckReport) -> None:
    if not report.shapes:
        return
    kind = "files" if report.encoded == sum(report.shapes.values()) else f"files: {report.encoded:,}, pixels: the rest"
    kind = kind if report.encoded else "pixels"
    if len(report.shapes) == 1:
        click.echo(f"  images: {'×'.join(map(str, next(iter(report.shapes))))} (channels × height × width), {kind}")
    else:
        channels = "/".join(map(str, sorted({shape[0] for shape in report.shapes})))
        click.echo(f"  images: {len(report.shapes):,} sizes, {channels} channels, {kind}")
        for name, values in zip(("height", "width"), report.sizes(), strict=True):
            click.echo(f"    {name} {values[0]} to {values[-1]}, median {np.median(values):g}")
    if report.channel_mean:
        click.echo(f"  mean of each channel: {', '.join(f'{mean:.2f}' for mean in report.channel_mean)}")


def _print_classes(report: CheckReport, names: Sequence[str]) -> None:
    most = max(report.counts.values(), default=1)
    click.echo("  label    records" + "  class" * bool(names))
    width = max((len(name) for name in names), default=0)
    for label, count in sorted(report.counts.items()):
        name = f"  {names[label] if 0 <= label < len(names) else '':<{width}}" if names else ""
        click.echo(f"  {label:>5}  {count:>9,}{name}  {'▪' * max(1, round(count / most * _BAR))}")
    if report.gaps:
        click.echo(f"  labels that no record has: {_ranges(report.gaps)}")
    if min(report.counts, default=0) < 0:
        click.echo("  there are negative labels: losses take them as an error, unless one is ignore_label")
    if names and max(report.counts, default=0) >= len(names):
        click.echo(f"  labels without a name: {_ranges([label for label in report.counts if label >= len(names)])}")


def _print_duplicates(what: str, duplicates: Sequence[Duplicate]) -> None:
    other = sum(one.label != one.first_label for one in duplicates)
    click.echo(f"  images that {what}: {len(duplicates):,}" + f", {other:,} of them with another label" * bool(other))
    for one in sorted(duplicates, key=lambda one: one.label == one.first_label)[:_SHOWN]:
        labels = f" (label {one.label}, there {one.first_label})" if one.label != one.first_label else ""
        click.echo(f"    '{one.key}' is '{one.first}'{labels}")


def _ranges(numbers: Sequence[int]) -> str:
    """1, 2, 3, 7 as "1–3, 7"."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{first}" if first == last else f"{first}–{last}" for first, last in runs)
