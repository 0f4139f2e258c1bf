"""Make two databases of pairs of MNIST's digits beside this file: mnist_train_pairs_lmdb and mnist_test_pairs_lmdb.

    python data/mnist/make_pairs.py [--from FOLDER]

As many pairs as there are digits, both of a pair drawn at random with a fixed seed: an image of two channels, with
the label 1 for two equal digits (about a tenth of the pairs) and 0 for different ones, as in Caffe's siamese example.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from cafpy.errors import CafpyError
from cafpy.feed.convert.arrays import convert_arrays
from cafpy.feed.convert.mnist import IMAGES, LABELS, read_idx

HERE = Path(__file__).resolve().parent
SEED = 0


@click.command(help=__doc__)
@click.option(
    "--from",
    "folder",
    default=HERE,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where MNIST's four files are.  [default: where get_mnist.py puts them]",
)
def main(folder: Path) -> None:
    rng = np.random.default_rng(SEED)
    try:
        for kind, part in (("train", "train"), ("t10k", "test")):
            digits = read_idx(folder / f"{kind}-images-idx3-ubyte.gz", IMAGES)
            labels = read_idx(folder / f"{kind}-labels-idx1-ubyte.gz", LABELS)
            pairs, similar = make_pairs(digits, labels, rng)
            path = HERE / f"mnist_{part}_pairs_lmdb"
            convert_arrays(pairs, similar, path, force=True)
            click.echo(f"{path}: {len(pairs)} pairs, {int(similar.sum())} of them of equal digits")
    except CafpyError as error:
        raise click.ClickException(f"{error}\nRun data/mnist/get_mnist.py first, or give --from.") from None


def make_pairs(digits: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """N random pairs of N digits, N×2×height×width, and 1 for each pair of equal digits, 0 for the others."""
    first, second = rng.integers(0, len(digits), (2, len(digits)))
    return np.stack([digits[first], digits[second]], axis=1), (labels[first] == labels[second]).astype(np.int32)


if __name__ == "__main__":
    main()
