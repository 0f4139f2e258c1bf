"""Scale: every channel times a factor, plus a bias if wanted."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.backend import Array
from cafpy.blob import Blob
from cafpy.layer import shape_text
from cafpy.layers._channels import ChannelLayer
from cafpy.ops.scale import scale, scale_backward
from cafpy.proto import cafpy_pb2 as pb


class Scale(ChannelLayer):
    """Multiplies bottom 0 with a smaller array, a learned parameter or bottom 1, that covers some of its axes and is
    repeated along the others; with ``bias_term`` it then adds a learned bias of the same shape. Behind a BatchNorm it
    gives each channel its learned deviation and mean.

    y = x · factor + bias. Shapes: bottom 0 N × C × H × W, factor and bias C (axis 1, num_axes 1), top as bottom 0; it
    may be the same blob. Parameters: the factor (not with two bottoms), then the bias.

    Options (scale_param):
        axis: the first axis of bottom 0 that the factor covers; negative ones count from the end (default 1). A bottom
            1 without axes is one factor for all.
        num_axes: how many axes the parameter covers; 0 is one factor for all, -1 all axes from ``axis`` on (default
            1). With two bottoms the shape of bottom 1 says it.
        filler: first value of the factor (default constant 1).
        bias_term: add a bias (default false).
        bias_filler: first value of the bias (default constant 0).

    ```
    layer { name: "scale1" type: "Scale" bottom: "bn1" top: "bn1" scale_param { bias_term: true } }
    ```
    """

    options_field = "scale_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if len(bottom) == 1:
            one = pb.FillerParameter(value=1)
            given = self.options.HasField("filler")
            self.add_param(self.covered_shape(bottom[0]), self.options.filler if given else one)
        if self.options.bias_term:
            self.bias_index = len(self.blobs)
            shape = self.blobs[0].shape if len(bottom) == 1 else bottom[1].shape
            self.add_param(shape, self.options.bias_filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        if self.options.bias_term:
            bias, small = self.blobs[self.bias_index], self._factor(bottom)
            if bias.shape != small.shape:
                raise self.error(
                    f"bottom '{self.bottom_names[1]}' has shape {shape_text(small.shape)} now, but the bias was "
                    f"made for {shape_text(bias.shape)}"
                )
        # in place, x is overwritten, but the factor's gradient needs it
        self.kept = self.work_array(self.view) if top[0] is bottom[0] else None

    def by_channel(self, bottom: Blob) -> bool:
        """Whether it has one bottom, and a factor of its own for each channel (axis 1) of it."""
        own = len(self.param.bottom) == 1 and bottom.ndim > 1 and self.blobs[0].shape == bottom.shape[1:2]
        return own and self.axis(self.options.axis, bottom) == 1

    @property
    def factor(self) -> Array:
        """The values of the parameter that it multiplies with, flat."""
        return self.blobs[0].data.reshape(-1)

    @property
    def bias(self) -> Array | None:
        """The values of the bias, flat, if there is one."""
        return self.blobs[self.bias_index].data.reshape(-1) if self.options.bias_term else None

    def add_gradients(self, dfactor: Array, dbias: Array) -> None:
        """Add to the gradients of those parameters that learn; for layers that run as one with others."""
        for index, gradient in enumerate((dfactor, dbias)[: len(self.blobs)]):
            if self.param_propagate_down[index]:
                diff = self.blobs[index].diff.reshape(-1)
                diff += gradient

    def _factor(self, bottom: Sequence[Blob]) -> Blob:
        return bottom[1] if len(bottom) > 1 else self.blobs[0]

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x = bottom[0].data.reshape(self.view)
        y = x if top[0] is bottom[0] else top[0].data.reshape(self.view)
        fixed = len(bottom) == 1 and not self.param_propagate_down[0]
        scale(self.backend, x, self._factor(bottom).data.reshape(-1), self.bias, None if fixed else self.kept, y)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        dy = top[0].diff.reshape(self.view)
        dx = dy if top[0] is bottom[0] else bottom[0].diff.reshape(self.view)
        x = bottom[0].data.reshape(self.view) if self.kept is None else self.kept
        factor = self._factor(bottom)
        dfactor = dbias = None
        if len(bottom) > 1:
            if propagate_down[1]:
                dfactor = factor.diff.reshape(-1)
                dfactor[...] = 0
        elif self.param_propagate_down[0]:
            dfactor = factor.diff.reshape(-1)
        if self.options.bias_term and self.param_propagate_down[self.bias_index]:
            dbias = self.blobs[self.bias_index].diff.reshape(-1)
        down = dx if propagate_down[0] else None
        scale_backward(self.backend, x, factor.data.reshape(-1), dy, dfactor, dbias, down)
