"""PReLU: a rectifier that learns its slopes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text
from cafpy.ops.prelu import prelu, prelu_backward_data, prelu_backward_slope
from cafpy.proto import cafpy_pb2 as pb


class PReLU(Layer):
    """A rectifier that learns, for each channel, by what it scales negative inputs.

    y = max(x, 0) + slope[c] · min(x, 0) (He, Zhang, Ren and Sun, Delving Deep into Rectifiers, 2015).

    Shapes: bottom N × C × … → top the same, may be the same blob. Parameter 0: the slopes, C numbers, or a single one.

    Options (prelu_param):
        filler: of the slopes (default: constant 0.25).
        channel_shared: one slope for all channels (default false).

    ```
    layer {
      name: "prelu1" type: "PReLU" bottom: "conv1" top: "conv1"
      param { lr_mult: 1 decay_mult: 0 }
    }
    ```
    """

    options_field = "prelu_param"
    in_place = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        options = self.options
        self.channels = () if options.channel_shared else self._channels(bottom[0])
        default = pb.FillerParameter(type="constant", value=0.25)
        self.add_param(self.channels, options.filler if options.HasField("filler") else default)

    def _channels(self, blob: Blob) -> tuple[int, ...]:
        if blob.ndim < 2:
            raise self.error(
                f"the bottom (shape {shape_text(blob.shape)}) has no axis of channels, axis 1; "
                "write `prelu_param { channel_shared: true }` for a single slope"
            )
        return (blob.shape[1],)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        if self.channels and self._channels(bottom[0]) != self.channels:
            raise self.error(f"the bottom has {shape[1]} channels now, but there are slopes for {self.channels[0]}")
        slopes = prod(self.channels)
        self.view = (shape[0], slopes, prod(shape[1:]) // slopes) if shape else (1, 1, 1)
        self.overwrites = top[0] is bottom[0]
        if self.overwrites:
            self.x = self.work_array(self.view)  # backward needs what forward overwrites
        else:
            top[0].reshape(shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x = bottom[0].data.reshape(self.view)
        if self.overwrites:
            self.x[...] = x
        prelu(self.backend, x, self.blobs[0].data.reshape(-1), top[0].data.reshape(self.view))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        x = self.x if self.overwrites else bottom[0].data.reshape(self.view)
        dy = top[0].diff.reshape(self.view)
        if self.param_propagate_down[0]:  # first: in place, dx takes the place of dy
            prelu_backward_slope(self.backend, dy, x, self.blobs[0].diff.reshape(-1))
        if propagate_down[0]:
            slope = self.blobs[0].data.reshape(-1)
            prelu_backward_data(self.backend, dy, x, slope, bottom[0].diff.reshape(self.view))
