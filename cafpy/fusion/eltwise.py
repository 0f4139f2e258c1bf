"""A sum of two blobs with a ReLU behind it in place: one pass over memory in each direction."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.fusion.chain import chain
from cafpy.fusion.step import FusedStep
from cafpy.layers.eltwise import SUM, Eltwise
from cafpy.layers.relu import ReLU
from cafpy.ops.eltwise_relu import sum_relu, sum_relu_backward
from cafpy.wiring import Node


class SumStep(FusedStep):
    """Eltwise (SUM of two bottoms, no weights), ReLU. All that backward needs is in the blobs."""

    def forward_fused(self) -> None:
        node = self.nodes[0]
        (a, b), y = node.bottom_blobs, node.top_blobs[0]
        sum_relu(node.layer.backend, a.data, b.data, y.data)

    def backward_fused(self) -> None:
        node = self.nodes[0]
        (a, b), y = node.bottom_blobs, node.top_blobs[0]
        sum_relu_backward(node.layer.backend, y.data, y.diff, a.diff, b.diff)


def match(nodes: Sequence[Node], at: int, hidden: bool) -> SumStep | None:
    """The step that begins with layer ``at``, if any does."""
    layer = nodes[at].layer
    if type(layer) is not Eltwise or not sum_relu.fast_on(layer.backend):
        return None
    if layer.operation != SUM or layer.coeffs != [1, 1]:
        return None
    found = chain(nodes, at, (ReLU,))
    return SumStep(found.nodes, at) if found.relu is not None and found.slope == 0 else None
