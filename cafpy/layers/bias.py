"""Bias: a smaller array added to a blob."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.layers._channels import ChannelLayer
from cafpy.ops.scale import scale, scale_backward


class Bias(ChannelLayer):
    """Adds a smaller array to bottom 0, a learned parameter or bottom 1, that covers some of its axes and is repeated
    along the others.

    y = x + bias. Shapes: bottom 0 N × C × H × W, bias C (axis 1, num_axes 1), top as bottom 0; it may be the same blob.
    Parameter: the bias (not with two bottoms).

    Options (bias_param):
        axis: the first axis of bottom 0 that the bias covers; negative ones count from the end (default 1). A bottom 1
            without axes is one bias for all.
        num_axes: how many axes the parameter covers; 0 is one bias for all, -1 all axes from ``axis`` on (default 1).
            With two bottoms the shape of bottom 1 says it.
        filler: first value of the bias (default constant 0).

    ```
    layer { name: "bias1" type: "Bias" bottom: "conv1" top: "conv1" bias_param { filler { value: 0.1 } } }
    ```
    """

    options_field = "bias_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if len(bottom) == 1:
            self.add_param(self.covered_shape(bottom[0]), self.options.filler)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        bias = bottom[1] if len(bottom) > 1 else self.blobs[0]
        x = bottom[0].data.reshape(self.view)
        y = x if top[0] is bottom[0] else top[0].data.reshape(self.view)
        scale(self.backend, x, None, bias.data.reshape(-1), None, y)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        dy = top[0].diff.reshape(self.view)
        dx = dy if top[0] is bottom[0] else bottom[0].diff.reshape(self.view)
        dbias = None
        if len(bottom) > 1:
            if propagate_down[1]:
                dbias = bottom[1].diff.reshape(-1)
                dbias[...] = 0
        elif self.param_propagate_down[0]:
            dbias = self.blobs[0].diff.reshape(-1)
        scale_backward(self.backend, None, None, dy, None, dbias, dx if propagate_down[0] else None)
