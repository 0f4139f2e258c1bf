"""`cafpy data split`: a database into two."""

from __future__ import annotations

import click

from cafpy.cli.cmd_data_check import class_names
from cafpy.cli.conversion import print_report, progress_bar
from cafpy.cli.image_options import Split


@click.command(short_help="A database into two, with the same shares of each class.")
@click.argument("database")
@click.argument("out_a")
@click.argument("out_b")
@click.option("--split", type=Split(), default="0.8/0.2", show_default=True, help="The shares of the two.")
@click.option("--seed", default=0, show_default=True, help="Fixes which record goes where.")
@click.option("--force", is_flag=True, help="Replace databases that exist.")
def command(database: str, out_a: str, out_b: str, split: float, seed: int, force: bool) -> None:
    """Copy the records of DATABASE to OUT_A and OUT_B, drawn at random, class by class.

    \b
    cafpy data split all_lmdb train_lmdb test_lmdb --split 0.9/0.1
    """
    from cafpy.feed.convert.split import split_database

    with progress_bar(database) as progress:
        reports = split_database(
            database,
            [out_a, out_b],
            split,
            seed=seed,
            force=force,
            names=class_names(database, None),
            progress=progress,
        )
    for report in reports:
        print_report(report)
