"""A sum of two blobs with a ReLU behind it in place, and the Split of that: one pass over memory in each direction."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.fusion.chain import chain
from cafpy.fusion.step import FusedStep
from cafpy.layers.eltwise import SUM, Eltwise
from cafpy.layers.relu import ReLU
from cafpy.layers.split import Split
from cafpy.ops.eltwise_relu import sum_relu, sum_relu_backward
from cafpy.wiring import Node


class SumStep(FusedStep):
    """Eltwise (SUM of two bottoms, no weights), ReLU, Split into two if there is one. All that backward needs is in the
    blobs."""

    def forward_fused(self) -> None:
        node = self.nodes[0]
        (a, b), y = node.bottom_blobs, node.top_blobs[0]
        sum_relu(node.layer.backend, a.data, b.data, y.data)

    def backward_fused(self) -> None:
        node = self.nodes[0]
        (a, b), y = node.bottom_blobs, node.top_blobs[0]
        parts = [blob.diff for other in self.nodes[2:] for blob in other.top_blobs]
        da = a.diff if a.diff_memory() != y.diff_memory() else None
        sum_relu_backward(node.layer.backend, y.data, y.diff, parts, da, b.diff)

    def equal_gradients(self) -> list[tuple[Blob, Blob]]:
        node = self.nodes[0]
        return [(node.bottom_blobs[0], node.top_blobs[0])]


def match(nodes: Sequence[Node], at: int, hidden: bool) -> SumStep | None:
    """The step that begins with layer ``at``, if any does."""
    layer = nodes[at].layer
    if type(layer) is not Eltwise or not sum_relu.fast_on(layer.backend):
        return None
    if layer.operation != SUM or layer.coeffs != [1, 1]:
        return None
    found = chain(nodes, at, (ReLU,))
    if found.relu is None or found.slope != 0:
        return None
    behind = nodes[at + 2 : at + 3]
    if behind and type(behind[0].layer) is Split and behind[0].bottom == found.nodes[0].top and len(behind[0].top) == 2:
        found.nodes.extend(behind)
    return SumStep(found.nodes, at)
