"""BatchNorm with a Scale and a ReLU behind it in place: two passes over memory in each direction."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.backend import Array
from cafpy.fusion.chain import Chain, chain
from cafpy.fusion.step import FusedStep
from cafpy.layers.batch_norm import BatchNorm
from cafpy.layers.relu import ReLU
from cafpy.layers.scale import Scale
from cafpy.ops.batch_norm_chain import BACKWARD_ROWS, FORWARD_ROWS, normalise_scale, normalise_scale_backward
from cafpy.wiring import Node


class BatchNormStep(FusedStep):
    """BatchNorm [, Scale] [, ReLU], at least two of them.

    Where BatchNorm works in place, its normalised values are the Scale's bottom too, so they are kept once for both;
    otherwise they are computed again from its bottom.
    """

    def __init__(self, first: int, norm: BatchNorm, found: Chain):
        super().__init__(found.nodes, first)
        self.norm, self.scale, self.slope = norm, found.scale, found.slope
        channels = norm.blobs[0].count
        self._forward_table = norm.work_array((FORWARD_ROWS, channels))
        self._forward_table[2] = self.slope
        self._forward_table[3] = norm.eps[0]
        self._backward_table = norm.work_array((BACKWARD_ROWS, channels))
        self._in_place = found.nodes[0].top_blobs[0] is found.nodes[0].bottom_blobs[0]

    def forward_fused(self) -> None:
        norm, constant = self.norm, self.norm.use_global_stats
        if constant:
            norm.read_running()
        self._read_scale(self._forward_table)
        x, y = self._arrays("data")
        normalise_scale(norm.backend, x, norm.statistics, self._forward_table, constant, self._kept(), y)
        if not constant:
            norm.add_to_running()

    def backward_fused(self) -> None:
        norm, scale, table = self.norm, self.scale, self._backward_table
        x, _ = self._arrays("data")
        dx, dy = self._arrays("diff")
        kept, factor = self._kept(), norm.statistics[2]
        table[0], table[1], table[2], table[5] = 0, 1, 0, self.slope
        self._read_scale(table[3:])
        table[6], table[7] = table[3] * factor, table[3]
        source = x if kept is None else kept
        if not self._in_place:
            table[1] = factor
            table[2 if norm.use_global_stats else 0] = norm.statistics[0]
        elif kept is None:  # the Scale does not learn; what the ReLU let pass is seen from its own values
            table[3], table[4] = 1, 0
        normalise_scale_backward(norm.backend, source, table, norm.use_global_stats, dy, dx)
        if scale is not None:
            scale.add_gradients(table[1], table[0])

    def restore(self) -> None:
        scale = self.scale
        if not self._in_place and scale is not None and scale.kept is not None:
            x, (mean, _, factor) = self._arrays("data")[0], self.norm.statistics[:, :, None]
            scale.kept[...] = x * factor + mean if self.norm.use_global_stats else (x - mean) * factor

    def _arrays(self, side: str) -> tuple[Array, Array]:
        """Data or gradients of bottom and top; one object where the step works in place."""
        node = self.nodes[0]
        bottom = getattr(node.bottom_blobs[0], side).reshape(self.norm.view)
        return bottom, bottom if self._in_place else getattr(node.top_blobs[0], side).reshape(self.norm.view)

    def _kept(self) -> Array | None:
        """Where the normalised values are kept, where they are."""
        if not self._in_place:
            return None
        if self.norm.use_global_stats:  # only the gradient of the Scale's factor needs them
            return self.scale.kept if self.scale is not None and self.scale.param_propagate_down[0] else None
        if self.scale is not None:
            self.scale.kept = self.norm.kept
        return self.norm.kept

    def _read_scale(self, rows: Array) -> None:
        rows[0] = 1 if self.scale is None else self.scale.factor
        rows[1] = 0 if self.scale is None or self.scale.bias is None else self.scale.bias


def match(nodes: Sequence[Node], at: int, hidden: bool) -> BatchNormStep | None:
    """The step that begins with layer ``at``, if any does."""
    layer = nodes[at].layer
    if type(layer) is not BatchNorm or not normalise_scale.fast_on(layer.backend):
        return None
    found = chain(nodes, at, (Scale, ReLU))
    return BatchNormStep(at, layer, found) if len(found.nodes) > 1 else None
