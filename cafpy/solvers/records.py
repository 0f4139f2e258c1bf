"""How many records a net's data have, and how many it takes at once: for epochs, and for tests over all of them."""

from __future__ import annotations

from typing import Any

from cafpy.errors import SolverError
from cafpy.layer import Layer
from cafpy.net import Net


def data_layers(net: Net) -> list[Layer]:
    """The layers that know how many records a pass over their data has."""
    return [layer for layer in net.layers if layer.records() is not None]


def records_and_batch(net: Net, needed_for: str, instead: str) -> tuple[int, int]:
    """Records of the net's data, and of them in one batch.

    Raises SolverError when no layer of the net knows, or when several differ.
    """
    layers = data_layers(net)
    if not layers:
        raise SolverError(
            f"{needed_for} needs the number of records, but no layer of net '{net.name}' knows it (Data, ImageData and "
            f"HDF5Data do); {instead}"
        )
    known = [(layer.records() or 0, int(layer.options.batch_size)) for layer in layers]
    if len(set(known)) > 1:
        said = "; ".join(
            f"{layer.where}: {n} records, batch_size {b}" for layer, (n, b) in zip(layers, known, strict=True)
        )
        raise SolverError(
            f"{needed_for} needs one number of records and one batch_size, but there are: {said}; {instead}"
        )
    return known[0]


def with_max_iter(param: Any, net: Net) -> Any:
    """The SolverParameter with max_iter in the place of max_epoch: the last iteration ends the last epoch."""
    if not param.HasField("max_epoch"):
        return param
    records, batch = records_and_batch(net, "max_epoch", "give max_iter instead")
    settled = type(param)()
    settled.CopyFrom(param)
    settled.max_iter = -(-param.max_epoch * records // (batch * param.iter_size))
    settled.ClearField("max_epoch")
    return settled
