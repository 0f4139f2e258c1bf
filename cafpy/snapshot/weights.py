"""Weight files of every format: read by what they contain, written by what they are called.

.caffemodel       Caffe's binary format, with V0, V1 and today's layers
.caffemodel.h5    Caffe's HDF5 format; for nets above 2 GB
.npz              NumPy's: one array "<layer>/<index>" for each parameter, readable without cafpy

`zoo:NAME` stands for the weights of the zoo's model NAME, wherever a file is read.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from cafpy.errors import WeightsError
from cafpy.missing_file import does_not_exist
from cafpy.net import Net
from cafpy.snapshot import caffemodel, caffemodel_h5, npz
from cafpy.snapshot.zoo import PREFIX
from cafpy.snapshot.zoo_cache import zoo_weights

Weights = dict[str, list[np.ndarray | None]]  # by layer; None where a file leaves out a shared parameter

WRITERS: dict[str, Callable[[Net, Path, bool], None]] = {
    ".caffemodel": caffemodel.write,
    ".caffemodel.h5": caffemodel_h5.write,
    ".h5": caffemodel_h5.write,
    ".npz": npz.write,
}


def read_weights(path: str | Path) -> Weights:
    """The parameters in a weight file, by layer name, in the file's order; layers without any are left out.

    "zoo:NAME" is the weight file of a model of the zoo, which is fetched unless it is on this machine.

    Raises WeightsError when the file is missing, damaged, or no weight file.
    """
    if str(path).startswith(PREFIX):
        path = zoo_weights(str(path))
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"the weight file '{path}' {does_not_exist(path)}")
    with path.open("rb") as file:
        start = file.read(8)
    if start == b"\x89HDF\r\n\x1a\n":
        return caffemodel_h5.read(path)
    if start.startswith(b"PK\x03\x04"):
        return npz.read(path)
    return caffemodel.read(path)


def write_weights(net: Net, path: str | Path, write_diff: bool = False) -> None:
    """Write the net's parameters (and gradients) to ``path``, whole or not at all, in the format of its suffix.

    Raises WeightsError for a suffix that is none of the formats', or one that cannot hold gradients.
    """
    path = Path(path)
    for suffix in sorted(WRITERS, key=len, reverse=True):
        if path.name.endswith(suffix):
            return WRITERS[suffix](net, path, write_diff)
    raise WeightsError(f"the suffix of '{path}' tells no weight format; use {', '.join(WRITERS)}")
