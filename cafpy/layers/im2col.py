"""Im2col: the windows of a kernel, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text
from cafpy.layers._convolution import check_windows, read_kernel
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.im2col import col2im, im2col


class Im2col(Layer):
    """Lays out the bottom window by window: each top channel is one channel at one place of the kernel.

    What Convolution multiplies its weights with: y[n, (c·kh + i)·kw + j, r, s] = x[n, c, r·stride - pad + i·dilation,
    s·stride - pad + j·dilation], zero outside the image. Backward adds each pixel's gradients over all windows.

    Shapes: bottom (…, C, h, w), top (…, C·kernel_h·kernel_w, h', w') with h' as in Convolution.

    Options (convolution_param): kernel_size, stride, pad, dilation (and kernel_h …) and axis as in Convolution; the
    others have no effect.

    ```
    layer { name: "col" type: "Im2col" bottom: "data" top: "col" convolution_param { kernel_size: 3 } }
    ```
    """

    options_field = "convolution_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._axis = self.axis(self.options.axis, bottom[0])
        self._kernel = read_kernel(self, bottom[0].ndim - self._axis - 1)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape, axis = bottom[0].shape, self._axis
        if len(shape) - axis - 1 != len(self._kernel.size):
            raise self.error(
                f"was set up for {len(self._kernel.size)} spatial axes, but the bottom is now {shape_text(shape)}"
            )
        images, channels, size = prod(shape[:axis]), shape[axis], shape[axis + 1 :]
        self._geometry = Geometry(images, channels, channels, 1, size, *self._kernel)
        check_windows(self, self._geometry, bottom[0])
        places = prod(self._kernel.size)
        self._bottom_shape = (images, channels, *size)
        self._columns_shape = (images, channels, places, *self._geometry.windows)
        top[0].reshape((*shape[:axis], channels * places, *self._geometry.windows))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, columns = bottom[0].data.reshape(self._bottom_shape), top[0].data.reshape(self._columns_shape)
        im2col(self.xp, x, self._geometry, columns)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if not propagate_down[0]:
            return
        dx = bottom[0].diff.reshape(self._bottom_shape)
        dx[...] = 0
        col2im(self.xp, top[0].diff.reshape(self._columns_shape), self._geometry, dx)
