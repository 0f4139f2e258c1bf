"""Fetches the weights that `zoo:NAME` stands for before a command begins, showing how far it is."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cafpy.download import Progress

_STEP = 0.1  # of a file, after which a line is written where no bar can be shown


def fetch_zoo_weights(names: Iterable[str]) -> None:
    """Fetch the weights of every `zoo:NAME` of these files, several of which may stand with commas between.

    A wrong name, or weights that cannot be had, are found before any net is built. Raises WeightsError.
    """
    files = [file.strip() for name in names for file in name.split(",") if "zoo:" in name]
    for file in files:
        if file.startswith("zoo:"):
            from cafpy.snapshot.zoo_cache import zoo_weights

            with download_bar(file) as progress:
                zoo_weights(file, progress=progress)


@contextmanager
def download_bar(title: str) -> Iterator[Progress]:
    """Give a function (bytes so far, bytes in all) that moves a bar on a terminal, and writes some lines elsewhere.

    Nothing is shown before it is called first.
    """
    if not sys.stderr.isatty():
        yield _lines(title)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = None

        def progress(done: int, total: int | None) -> None:
            nonlocal task
            task = bar.add_task(title) if task is None else task
            bar.update(task, completed=done, total=total)

        yield progress


def _lines(title: str) -> Progress:
    said = -_STEP

    def progress(done: int, total: int | None) -> None:
        nonlocal said
        if total and done / total >= said + _STEP:
            said = done / total
            click.echo(f"{title}: {done / 1e6:,.1f} of {total / 1e6:,.1f} MB", err=True)

    return progress
