"""Weights in Caffe's binary format: a NetParameter whose layers hold their blobs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError

from cafpy.errors import CafpyError, WeightsError
from cafpy.files import atomic_write
from cafpy.net import Net
from cafpy.passes.upgrade import upgrade_net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.binary import blob_to_array, read_net_binary

LIMIT = 2**31 - 2**20  # bytes of all values: a protobuf message ends at 2 GB, and the layers take some of it


def read(path: Path) -> dict[str, list[np.ndarray | None]]:
    """Parameters by layer. Raises WeightsError when the file is damaged or holds none."""
    try:
        param = read_net_binary(path)
    except WeightsError:
        _refuse_a_state(path)
        raise
    if not param.layer and not param.layers:
        _refuse_a_state(path)
        raise WeightsError(f"{path} holds no weights")
    param, _ = upgrade_net(param)
    layers: dict[str, list[np.ndarray | None]] = {}
    for layer in param.layer:
        if layer.blobs:
            try:
                layers[layer.name] = [blob_to_array(blob) for blob in layer.blobs]
            except CafpyError as error:
                raise WeightsError(f"{path}, layer '{layer.name}': {error}") from error
    if not layers:
        raise WeightsError(f"{path} holds no weights, only the layers of a net")
    return layers


def write(net: Net, path: Path, write_diff: bool) -> None:
    """Write all layers of the net with their options, so that the file describes the net too."""
    values = sum(blob.count for layer in net.layers for blob in layer.blobs)
    if values * net.dtype.itemsize * (1 + write_diff) >= LIMIT:
        raise WeightsError(f"{path}: a .caffemodel ends at 2 GB, and the net is bigger; use snapshot_format: HDF5")
    with atomic_write(path) as temporary:
        temporary.write_bytes(net.to_proto(write_diff).SerializeToString())


def _refuse_a_state(path: Path) -> None:
    try:
        state = pb.SolverState.FromString(path.read_bytes())
    except (DecodeError, OSError):
        return
    if state.history:
        raise WeightsError(
            f"{path} is a solver state, not a weight file; resume from it with --snapshot, "
            "or take the weights from the .caffemodel beside it"
        )
