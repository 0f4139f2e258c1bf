"""Weights in Caffe's HDF5 format: a group "data" (and "diff") with a group for each layer, in it datasets "0", "1" …

A parameter that several layers share stands only in the group of the first.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from cafpy.errors import WeightsError
from cafpy.files import atomic_write
from cafpy.net import Net


def read(path: Path) -> dict[str, list[np.ndarray | None]]:
    """Parameters by layer; None for those below the highest index that are not there.

    Raises WeightsError when the file is damaged or has no such group.
    """
    try:
        with h5py.File(path, "r") as file:
            if "data" not in file:
                what = "it is a solver state" if "history" in file else f"it holds {', '.join(file) or 'nothing'}"
                raise WeightsError(f"{path} is no weight file: it has no group 'data' ({what})")
            layers = _layers(file["data"])
    except OSError as error:
        raise WeightsError(f"{path} cannot be read as HDF5; it is damaged or breaks off ({error})") from error
    if not layers:
        raise WeightsError(f"{path} holds no weights")
    return layers


def _layers(data: h5py.Group) -> dict[str, list[np.ndarray | None]]:
    found: dict[str, dict[int, np.ndarray]] = {}

    def visit(name: str, node: h5py.Dataset | h5py.Group) -> None:
        layer, _, index = name.rpartition("/")  # a layer's name may hold slashes, which HDF5 makes groups of
        if isinstance(node, h5py.Dataset) and index.isdigit():
            found.setdefault(layer, {})[int(index)] = node[...]

    data.visititems(visit)
    return {layer: [blobs.get(i) for i in range(max(blobs) + 1)] for layer, blobs in found.items()}


def write(net: Net, path: Path, write_diff: bool) -> None:
    """Write the parameters of all layers, and their gradients if asked."""
    owned = {(parameter.layer, parameter.index) for parameter in net.learnable}
    with atomic_write(path) as temporary, h5py.File(temporary, "w") as file:
        data = file.create_group("data")
        diff = file.create_group("diff") if write_diff else None
        for node in net.nodes:
            name = node.param.name
            group = data.require_group(name)
            for i, blob in enumerate(node.layer.blobs):
                if (name, i) in owned:
                    group[str(i)] = net.backend.to_host(blob.data)
                if diff is not None:
                    diff.require_group(name)[str(i)] = net.backend.to_host(blob.diff)
