"""Deconvolution: a convolution run backward, to enlarge maps."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.layer import shape_text
from cafpy.layers._convolution import ConvolutionLayer
from cafpy.ops.convolution.geometry import Geometry


class Deconvolution(ConvolutionLayer):
    """The transpose of a convolution: each input pixel puts a scaled kernel on the output, where they overlap and add.

    Forward is a Convolution's backward and the other way round. With stride s it enlarges maps about s times; with
    the filler "bilinear", group and num_output equal to the channels, kernel_size 2·s - s % 2, pad ⌈(s - 1) / 2⌉ and
    lr_mult 0 it interpolates bilinearly (Long et al., Fully Convolutional Networks for Semantic Segmentation, 2015).

    Shapes: bottom (…, C, h, w), top (…, num_output, h', w') with h' = stride·(h - 1) + dilation·(kernel - 1) + 1 -
    2·pad. Parameters: weight (C, num_output / group, kernel_h, kernel_w), bias (num_output,).

    Options (convolution_param): those of Convolution; ``num_output``, ``pad`` and ``bias_term`` are about the top, of
    which ``pad`` pixels are left out on each side.

    ```
    layer {
      name: "upscore" type: "Deconvolution" bottom: "score" top: "upscore" param { lr_mult: 0 }
      convolution_param {
        num_output: 21 group: 21 kernel_size: 4 stride: 2 pad: 1 bias_term: false weight_filler { type: "bilinear" }
      }
    }
    ```
    """

    def _weight_shape(self) -> tuple[int, ...]:
        return self._channels, self.options.num_output // self.options.group, *self._kernel.size

    def _new_geometry(self, images: int, size: tuple[int, ...]) -> Geometry:
        """The convolution that this is the transpose of: from the top to the bottom."""
        kernel = self._kernel
        whole = [
            s * (n - 1) + d * (k - 1) + 1
            for n, k, s, d in zip(size, kernel.size, kernel.stride, kernel.dilation, strict=True)
        ]
        top = tuple(n - 2 * pad for n, pad in zip(whole, kernel.pad, strict=True))
        if min(top, default=1) < 1:
            raise self.error(
                f"pad: {shape_text(kernel.pad)} leaves nothing of the output {shape_text(whole)}; use less pad"
            )
        return Geometry(images, self.options.num_output, self._channels, self.options.group, top, *kernel)

    def _top_size(self, geometry: Geometry) -> tuple[int, ...]:
        return geometry.size

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for x, y in zip(bottom, top, strict=True):
            images = x.data.reshape(self._bottom_shape)
            self._plan.backward_data(images, self.blobs[0].data, self._bias, y.data.reshape(self._top_shape))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        weight = self.blobs[0]
        for x, y, wanted in zip(bottom, top, propagate_down, strict=True):
            dy = y.diff.reshape(self._top_shape)
            self._add_bias_gradient(dy)
            if self.param_propagate_down[0]:
                self._plan.backward_weight(dy, x.data.reshape(self._bottom_shape), weight.diff)
            if wanted:
                self._plan.forward(dy, weight.data, None, x.diff.reshape(self._bottom_shape))
