"""`cafpy convert cifar10`: CIFAR-10's archive becomes two databases."""

from __future__ import annotations

import click

from cafpy.cli.conversion import conversion_options, print_report, resumable_progress_bar


@click.command(short_help="CIFAR-10's archive, binary or for Python.")
@click.argument("source")
@click.argument("out_train")
@click.argument("out_test")
@conversion_options
def command(source: str, out_train: str, out_test: str, backend: str, force: bool, resume: bool) -> None:
    """Make the databases OUT_TRAIN and OUT_TEST from SOURCE.

    SOURCE is cifar-10-binary.tar.gz, cifar-10-python.tar.gz, the folder in one of them, or a folder or archive of
    images, train/<class>/… and test/<class>/….
    """
    from cafpy.feed.convert.cifar10 import convert_cifar10

    with resumable_progress_bar(source) as progress:
        reports = convert_cifar10(
            source, out_train, out_test, backend=backend.upper(), force=force, resume=resume, progress=progress
        )
    for report in reports:
        print_report(report)
