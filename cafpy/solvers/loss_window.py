"""The loss over the last iterations, kept on the device: nobody waits for a number before it is shown."""

from __future__ import annotations

from typing import Any

from cafpy.net import Net


class LossWindow:
    """The losses of the last ``size`` iterations.

    The loss of an iteration is the mean over its forward passes of Σ loss_weight · top.
    """

    def __init__(self, net: Net, size: int):
        self.backend = net.backend
        self.terms = [
            (blob, weight)
            for node in net.nodes
            for blob, weight in zip(node.top_blobs, node.layer.loss_weights, strict=True)
            if weight
        ]
        self._values = self.backend.zeros(size, net.dtype)
        self._count = 0

    def clear(self) -> None:
        """Forget all iterations."""
        self._count = 0

    def pass_loss(self) -> Any:
        """The loss of the net's last forward pass: a number without axes, which on a GPU stays there."""
        total: Any = 0.0
        for blob, weight in self.terms:
            total = total + weight * blob.data.sum()
        return total

    def add(self, loss: Any) -> None:
        """Note the loss of an iteration."""
        self._values[self._count % len(self._values)] = loss
        self._count += 1

    def mean(self) -> float:
        """The mean over the window; NaN while it is empty."""
        count = min(self._count, len(self._values))
        return float(self.backend.to_host(self._values)[:count].mean(dtype=float)) if count else float("nan")
