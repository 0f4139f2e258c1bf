"""`cafpy convert mnist`: MNIST's idx files become a database."""

from __future__ import annotations

import click

from cafpy.cli.conversion import conversion_options, print_report, resumable_progress_bar


@click.command(short_help="MNIST's idx files.")
@click.argument("images")
@click.argument("labels")
@click.argument("out")
@conversion_options
def command(images: str, labels: str, out: str, backend: str, force: bool, resume: bool) -> None:
    """Make the database OUT from MNIST's idx files IMAGES and LABELS, gzipped or not.

    \b
    cafpy convert mnist train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz mnist_train_lmdb
    """
    from cafpy.feed.convert.mnist import convert_mnist

    with resumable_progress_bar(out) as progress:
        report = convert_mnist(
            images, labels, out, backend=backend.upper(), force=force, resume=resume, progress=progress
        )
    print_report(report)
