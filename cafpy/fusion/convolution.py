"""A convolution with what follows it in place: a ReLU, and in phase TEST a BatchNorm and a Scale too.

What follows is applied to each piece of the outputs while it is in the cache (`cafpy.ops.convolution.epilogue`). The
weights stay as they are: factor and shift of each map are computed anew at each forward, as parameters may be written
at any time.
"""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.backend import Array
from cafpy.fusion.chain import Chain, chain
from cafpy.fusion.step import FusedStep
from cafpy.layer import Layer
from cafpy.layers.batch_norm import BatchNorm
from cafpy.layers.convolution import Convolution
from cafpy.layers.relu import ReLU
from cafpy.layers.scale import Scale
from cafpy.ops.convolution.epilogue import Epilogue, finish
from cafpy.proto import cafpy_pb2 as pb
from cafpy.wiring import Node


class ConvolutionStep(FusedStep):
    """Convolution [, BatchNorm by running statistics] [, Scale] [, ReLU]."""

    def __init__(self, first: int, convolution: Convolution, found: Chain):
        super().__init__(found.nodes, first)
        self.convolution, self.found = convolution, found

    def can_forward(self) -> bool:
        return self.found.norm is None or self.found.norm.use_global_stats

    def can_backward(self) -> bool:
        return False  # there is nothing to save: a convolution's gradients read what the ReLU's backward writes

    def forward_fused(self) -> None:
        node = self.nodes[0]
        epilogue = Epilogue(*self._factor_and_shift(), self.found.slope)
        self.convolution.forward_finished(node.bottom_blobs, self.nodes[-1].top_blobs, epilogue)

    def _factor_and_shift(self) -> tuple[Array | None, Array | None]:
        norm, scale = self.found.norm, self.found.scale
        factor = shift = None
        if norm is not None:
            norm.read_running()
            factor, shift = norm.factor, norm.mean
        if scale is not None:
            by, plus = scale.factor, scale.bias
            shift = plus if shift is None else shift * by if plus is None else shift * by + plus
            factor = by if factor is None else factor * by
        return factor, shift

    def restore(self) -> None:
        if self.found.scale is None:
            return  # a ReLU finds what it needs in its top, and the others need nothing
        for node in self.nodes:  # a Scale needs its bottom's values, which were never written: once more, one by one
            node.layer.forward(node.bottom_blobs, node.top_blobs)


def match(nodes: Sequence[Node], at: int, hidden: bool) -> ConvolutionStep | None:
    """The step that begins with layer ``at``, if any does. Where blobs in between are ``hidden``, they stay empty."""
    layer = nodes[at].layer
    if type(layer) is not Convolution or not finish.fast_on(layer.backend):
        return None
    followers: Sequence[type[Layer]] = (BatchNorm, Scale, ReLU) if layer.phase == pb.TEST else (ReLU,)
    found = chain(nodes, at, followers, hidden)
    if len(found.nodes) < 2 or (found.norm is not None and not found.norm.use_global_stats):
        return None
    return ConvolutionStep(at, layer, found)
