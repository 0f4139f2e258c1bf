"""Convolution over two spatial axes for the CPU, float32: products in registers, of panels that stay in cache."""

from __future__ import annotations

import numpy as np

from cafpy.backend import Array
from cafpy.ops.convolution_blocked import BlockedConvolution
from cafpy.ops.convolution_geometry import Geometry
from cafpy.ops.convolution_panel_plan import PanelProduct
from cafpy.ops.epilogue import Epilogue, with_bias


class PanelConvolution(BlockedConvolution):
    """A plan for one geometry: forward by panels, the gradients by column matrices and BLAS."""

    def __init__(self, geometry: Geometry, dtype: np.dtype):
        super().__init__(geometry, dtype)
        self.product = PanelProduct(geometry, 1, geometry.weights_per_output)
        self.zeros = np.zeros(geometry.outputs, dtype)

    def forward(self, x: Array, weight: Array, bias: Array | None, y: Array, epilogue: Epilogue | None = None) -> None:
        """y = conv(x, weight) + bias, and the epilogue."""
        table = with_bias(self.zeros if bias is None else bias, epilogue, self.geometry.outputs, self.dtype)
        self.product(x, weight, table, y)
