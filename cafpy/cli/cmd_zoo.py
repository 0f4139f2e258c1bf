"""`cafpy zoo`: the models that cafpy knows by name."""

from __future__ import annotations

import click

from cafpy.cli.commands import FolderGroup


@click.group(cls=FolderGroup, prefix="cmd_zoo_", short_help="Models by name: list, show, pull.")
def command() -> None:
    """Models by name, with their nets, solvers and published weights.

    Wherever weights are read, `zoo:NAME` stands for a model's: --weights zoo:lenet_digits. They are fetched once,
    checked, and stay in a cache ($CAFPY_CACHE).
    """
