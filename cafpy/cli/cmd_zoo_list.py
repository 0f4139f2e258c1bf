"""`cafpy zoo list`: a table of all models."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cafpy.snapshot.zoo import Model

_WIDE = 200  # columns of a table that goes into a file


@click.command(short_help="A table of all models.")
@click.argument("pattern", required=False)
def command(pattern: str | None) -> None:
    """List the models of the zoo; with PATTERN (resnet, 'vgg*', MNIST) those whose name or task has it.

    Weights are shipped (they come with cafpy), public (`cafpy zoo pull` fetches them) or none. "here" are those that
    need no network.
    """
    from fnmatch import fnmatch

    from rich import box
    from rich.console import Console
    from rich.table import Table

    from cafpy.snapshot.zoo import models, models_folder
    from cafpy.snapshot.zoo_cache import cache_folder

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("name", "parameters", "size", "weights", "here", "reference accuracy"):
        table.add_column(title, justify="right" if title in ("parameters", "size") else "left", no_wrap=title != "name")
    table.columns[0].no_wrap, table.columns[-1].no_wrap = True, False
    wanted = f"*{(pattern or '').lower()}*"
    for model in models().values():
        if fnmatch(model.name.lower(), wanted) or fnmatch(model.facts["task"].lower(), wanted):
            table.add_row(*_cells(model))
    if not table.row_count:
        click.echo(f"the zoo has no model for '{pattern}'; `cafpy zoo list` shows all")
        return
    console = Console() if sys.stdout.isatty() else Console(width=_WIDE)
    console.print(table)
    click.echo(f"nets: {models_folder()}\nweights that were fetched: {cache_folder()}")


def _cells(model: Model) -> list[str]:
    from cafpy.snapshot.zoo_cache import cached_file

    count = model.facts["parameters"]
    if model.shipped is not None:
        kind = "shipped"
    else:
        kind = "public" if model.urls else "none"
    return [
        model.name,
        f"{int(count):,}" if count.isdecimal() else "",
        megabytes(model.size),
        kind,
        "yes" if kind == "shipped" or cached_file(model).is_file() else "",
        model.facts["accuracy"],
    ]


def megabytes(size: int | None) -> str:
    """1234567 bytes as "1.2 MB"; "" for None."""
    return "" if size is None else f"{size / 1e6:,.1f} MB" if size < 10e6 else f"{size / 1e6:,.0f} MB"
