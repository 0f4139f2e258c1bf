"""Fetch MNIST and make its two databases beside this file: mnist_train_lmdb and mnist_test_lmdb.

python data/mnist/get_mnist.py [--from FOLDER]
"""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import click

from cafpy.download import download
from cafpy.errors import CafpyError, DataError
from cafpy.feed.convert.mnist import convert_mnist

HERE = Path(__file__).resolve().parent
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
FILES = {  # name: checksum as published, checksum of what is inside
    "train-images-idx3-ubyte.gz": ("md5:f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
    "train-labels-idx1-ubyte.gz": ("md5:d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
    "t10k-images-idx3-ubyte.gz": ("md5:9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
    "t10k-labels-idx1-ubyte.gz": ("md5:ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
}


@click.command(help=__doc__)
@click.option(
    "--from", "folder", type=click.Path(file_okay=False, path_type=Path), help="Take the four files from here."
)
def main(folder: Path | None) -> None:
    try:
        if folder is None:
            folder = HERE
            for name, (checksum, _) in FILES.items():
                click.echo(f"{name} ...")
                download([mirror + name for mirror in MIRRORS], folder / name, checksum)
        for name, (_, content) in FILES.items():
            check(folder / name, content)
        for kind, part in (("train", "train"), ("t10k", "test")):
            path = HERE / f"mnist_{part}_lmdb"
            report = convert_mnist(
                folder / f"{kind}-images-idx3-ubyte.gz", folder / f"{kind}-labels-idx1-ubyte.gz", path, force=True
            )
            click.echo(f"{path}: {report.written} images")
    except CafpyError as error:
        raise click.ClickException(str(error)) from None


def check(path: Path, md5: str) -> None:
    """Raise DataError unless the file is there and unpacks to what was published (packing may differ)."""
    try:
        with gzip.open(path) as file:
            found = hashlib.file_digest(file, "md5").hexdigest()  # type: ignore[arg-type]
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    if found != md5:
        raise DataError(f"{path} is not MNIST's file: its content has the MD5 {found}, wanted {md5}; fetch it again")


if __name__ == "__main__":
    main()
