"""Convolution: learned kernels slid over the spatial axes of the bottom."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.layers._convolution import ConvolutionLayer
from cafpy.ops.convolution.epilogue import Epilogue
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.plans import backward, forward_finished


class Convolution(ConvolutionLayer):
    """Slides ``num_output`` learned kernels over the spatial axes of the bottom, all those after the channel axis.

    y[n, k] = Σ_c weight[k, c] ⋆ x[n, c] + bias[k], where ⋆ is correlation (the kernel is not flipped). Any number of
    spatial axes, also none (then it is an inner product over the channels). Several bottoms of one shape give as many
    tops, with the same parameters.

    Shapes: bottom (…, C, h, w), top (…, num_output, h', w') with h' = ⌊(h + 2·pad - dilation·(kernel - 1) - 1) /
    stride⌋ + 1. Parameters: weight (num_output, C / group, kernel_h, kernel_w), bias (num_output,).

    Options (convolution_param):
        num_output: number of output maps (must be given).
        kernel_size, kernel_h, kernel_w: once for all spatial axes or once an axis; or the height and the width of an
            image's kernel (must be given).
        stride, stride_h, stride_w: from one place of the kernel to the next, as kernel_size (default 1).
        pad, pad_h, pad_w: zeros on both sides of an axis, as kernel_size (default 0).
        dilation: distance of the kernel's places, as kernel_size (default 1).
        group: input and output maps in so many groups that see nothing of each other (default 1); as many as input
            channels make a depthwise convolution.
        bias_term: add a bias to each map (default true).
        weight_filler, bias_filler: first values (default constant 0).
        axis: the channel axis; those before it count images (default 1, may be negative).
        engine, force_nd_im2col: read and ignored; the fastest way is found without them.

    ```
    layer {
      name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
      convolution_param { num_output: 20 kernel_size: 5 weight_filler { type: "xavier" } }
    }
    ```
    """

    def _weight_shape(self) -> tuple[int, ...]:
        return self.options.num_output, self._channels // self.options.group, *self._kernel.size

    def _new_geometry(self, images: int, size: tuple[int, ...]) -> Geometry:
        options = self.options
        return Geometry(images, self._channels, options.num_output, options.group, size, *self._kernel)

    def _top_size(self, geometry: Geometry) -> tuple[int, ...]:
        return geometry.windows

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for x, y in zip(bottom, top, strict=True):
            images = x.data.reshape(self._bottom_shape)
            self._plan.forward(images, self.blobs[0].data, self._bias, y.data.reshape(self._top_shape))

    def forward_finished(self, bottom: Sequence[Blob], top: Sequence[Blob], epilogue: Epilogue) -> None:
        """Forward, and what the epilogue says for each map of the tops; for layers that run as one with this."""
        for x, y in zip(bottom, top, strict=True):
            images, maps = x.data.reshape(self._bottom_shape), y.data.reshape(self._top_shape)
            forward_finished(self.backend, self._plan, images, self.blobs[0].data, self._bias, maps, epilogue)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        weight = self.blobs[0]
        for x, y, wanted in zip(bottom, top, propagate_down, strict=True):
            dy = y.diff.reshape(self._top_shape)
            self._add_bias_gradient(dy)
            images = x.data.reshape(self._bottom_shape)
            if self.param_propagate_down[0] and wanted:
                backward(self._plan, images, dy, weight.data, weight.diff, x.diff.reshape(self._bottom_shape))
            elif self.param_propagate_down[0]:
                self._plan.backward_weight(images, dy, weight.diff)
            elif wanted:
                self._plan.backward_data(dy, weight.data, None, x.diff.reshape(self._bottom_shape))
