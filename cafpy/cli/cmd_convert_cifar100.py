"""`cafpy convert cifar100`: CIFAR-100's archive becomes two databases."""

from __future__ import annotations

import click

from cafpy.cli.conversion import conversion_options, print_report, resumable_progress_bar


@click.command(short_help="CIFAR-100's archive, binary or for Python.")
@click.argument("source")
@click.argument("out_train")
@click.argument("out_test")
@click.option("--coarse", is_flag=True, help="Labels of the 20 groups instead of the 100 classes.")
@conversion_options
def command(source: str, out_train: str, out_test: str, coarse: bool, backend: str, force: bool, resume: bool) -> None:
    """Make the databases OUT_TRAIN and OUT_TEST from SOURCE.

    SOURCE is cifar-100-binary.tar.gz, cifar-100-python.tar.gz, or the folder in one of them.
    """
    from cafpy.feed.convert.cifar100 import convert_cifar100

    with resumable_progress_bar(source) as progress:
        reports = convert_cifar100(
            source,
            out_train,
            out_test,
            coarse=coarse,
            backend=backend.upper(),
            force=force,
            resume=resume,
            progress=progress,
        )
    for report in reports:
        print_report(report)
