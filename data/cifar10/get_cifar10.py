"""Fetch CIFAR-10 and make its databases and mean image beside this file.

python data/cifar10/get_cifar10.py [--from ARCHIVE]
"""

from __future__ import annotations

from pathlib import Path

import click

from cafpy.download import download
from cafpy.errors import CafpyError
from cafpy.feed.convert.cifar10 import convert_cifar10
from cafpy.feed.convert.mean import compute_mean, write_mean

HERE = Path(__file__).resolve().parent
NAME = "cifar-10-binary.tar.gz"
URL = f"https://www.cs.toronto.edu/~kriz/{NAME}"
CHECKSUM = "md5:c32a1d4ab5d03f1284b67883e8d87530"  # as published


@click.command(help=__doc__)
@click.option("--from", "archive", type=click.Path(path_type=Path), help="Take this archive instead of fetching it.")
def main(archive: Path | None) -> None:
    train, test = HERE / "cifar10_train_lmdb", HERE / "cifar10_test_lmdb"
    try:
        if archive is None:
            click.echo(f"{NAME} ...")
            archive = download([URL], HERE / NAME, CHECKSUM)
        for report in convert_cifar10(archive, train, test, force=True):
            click.echo(f"{report.path}: {report.written} images")
        write_mean(HERE / "mean.binaryproto", compute_mean(train))
        click.echo(f"{HERE / 'mean.binaryproto'}: the mean image of the training set")
    except CafpyError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
