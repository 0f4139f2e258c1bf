"""Training that cannot work is stopped: a net without a loss at the start, a loss that is not finite at sight."""

from __future__ import annotations

from typing import Any

from cafpy.blob import Blob
from cafpy.errors import SolverError
from cafpy.layer import describe
from cafpy.net import Net


def check_learns(net: Net) -> None:
    """Raise SolverError when the train net has no loss, so that no parameter would ever change."""
    if not any(weight for layer in net.layers for weight in layer.loss_weights):
        raise SolverError(
            f"the train net '{net.name}' has no loss, so it would learn nothing; its outputs are "
            f"{', '.join(net.outputs) or 'none'}. Add a loss layer such as SoftmaxWithLoss (is it excluded in phase "
            "TRAIN?), or give an output a loss_weight"
        )


def require_finite(net: Net, loss: Any, iteration: int, rate: float) -> None:
    """Raise SolverError, on a GPU at the next look, when the loss of an iteration is infinite or NaN."""
    net.backend.require(net.backend.xp.isfinite(loss), lambda: _not_finite(net, loss, iteration, rate), SolverError)


def _not_finite(net: Net, loss: Any, iteration: int, rate: float) -> str:
    found = first_not_finite(net)
    where = (
        f"the first value that is not finite is in {found}" if found else "all blobs are finite, only their sum is not"
    )
    return (
        f"the loss is {float(net.backend.to_host(loss)):g} in iteration {iteration} (learning rate {rate:g}); {where}. "
        "Lower base_lr, set clip_gradients, or look at the data"
    )


def first_not_finite(net: Net) -> str | None:
    """The first parameter or blob, in the order of the layers, that holds an infinity or NaN; None when all are finite.

    The text is like "blob 'ip1', made by layer 'ip1' (InnerProduct), net.prototxt:12".
    """
    for node in net.nodes:
        for i, blob in enumerate(node.layer.blobs):
            if not _finite(net, blob):
                return f"parameter {i} of {describe(node.param)}"
        for name in node.top:
            if not _finite(net, net.blobs[name]):
                return f"blob '{name}', made by {describe(node.param)}"
    return None


def _finite(net: Net, blob: Blob) -> bool:
    return bool(net.backend.to_host(net.backend.xp.isfinite(blob.data).all()))
