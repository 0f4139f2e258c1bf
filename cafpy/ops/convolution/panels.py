"""Convolution over two spatial axes for the CPU, float32: products in registers, of panels that stay in cache."""

from __future__ import annotations

from math import prod

import numpy as np

from cafpy.backend import Array
from cafpy.ops.convolution.blocked import BlockedConvolution
from cafpy.ops.convolution.epilogue import Epilogue, with_bias
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.panel_gradient import PanelGradient
from cafpy.ops.convolution.panel_plan import PanelProduct
from cafpy.ops.convolution.panel_weights import crowded, transpose_weights
from cafpy.ops.kernel.workspace import workspace

# What is done beside multiplications, in multiplications of a matrix product (docs/kernels.md)
WINDOW = 6  # to copy a number into a panel
COLUMN = 15  # to add an element of a column matrix to the images


class PanelConvolution(BlockedConvolution):
    """A plan for one geometry; for the gradient of weights that of the base."""

    def __init__(self, geometry: Geometry, dtype: np.dtype):
        super().__init__(geometry, dtype)
        self.product = PanelProduct(geometry)
        back, self.turned = gradient_geometry(geometry), False
        if back is None or back.pointwise:
            self.turned = crowded(geometry)
        self.gradient = PanelGradient(geometry, self.turned) if back is None else PanelProduct(back, True, self.turned)
        self.zeros = np.zeros(max(geometry.outputs, geometry.channels), dtype)
        self.backward_kernels = (*self.weight_kernels, *self.gradient.kernels)

    def forward(self, x: Array, weight: Array, bias: Array | None, y: Array, epilogue: Epilogue | None = None) -> None:
        """y = conv(x, weight) + bias, and the epilogue."""
        outputs = self.geometry.outputs
        table = with_bias(self.zeros[:outputs] if bias is None else bias, epilogue, outputs, self.dtype)
        self.product(x, weight, table, y, workspace(self.product.work, self.dtype))

    def backward_data(self, dy: Array, weight: Array, bias: Array | None, dx: Array) -> None:
        """dx = gradient of the images, plus ``bias`` (channels,) where a deconvolution has one."""
        g, need = self.geometry, self.gradient.work
        work = workspace(need + (weight.size if self.turned else 0), self.dtype)
        if self.turned:
            turned = work[need : need + weight.size]
            transpose_weights(self.gradient.threads, g.group, weight, turned)
            weight, work = turned, work[:need]
        self.gradient(dy, weight, self.zeros[: g.channels] if bias is None else bias, dx, work)


def gradient_geometry(g: Geometry) -> Geometry | None:
    """The convolution of the outputs' gradient with the weights turned round that gives the images' gradient; None
    where there is no such, or a column matrix takes less time."""
    pad = tuple(extent - 1 - pad for extent, pad in zip(g.extent, g.pad, strict=True))
    if g.stride != (1, 1) or min(pad) < 0:
        return None
    windows, columns = prod(g.size) * (1 + WINDOW * g.group / g.channels), g.places * (1 + COLUMN * g.group / g.outputs)
    if windows > columns and not g.pointwise:
        return None
    return Geometry(g.images, g.outputs, g.channels, g.group, g.windows, g.kernel, g.stride, pad, g.dilation)
