"""`cafpy data`: look into databases and what data layers make of them."""

from __future__ import annotations

import click

from cafpy.cli.commands import FolderGroup


@click.group(cls=FolderGroup, prefix="cmd_data_", short_help="Check, show, average or split a database.")
def command() -> None:
    """Look into a database: what is in it, what it looks like, its mean; or split it."""
