"""`cafpy convert`: data in other formats becomes a database that Data layers read."""

from __future__ import annotations

import click

from cafpy.cli.commands import FolderGroup


@click.group(cls=FolderGroup, prefix="cmd_convert_", short_help="Make a database from images or published data sets.")
def command() -> None:
    """Make a database that Data layers read, from images or from the files of a published data set."""
