"""What both plans of a Winograd convolution share: forward and backward to data are one convolution, turned round."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from cafpy.backend import Array
from cafpy.ops.convolution.epilogue import Epilogue, with_bias
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.winograd.blocks import Blocks


class WinogradPlan:
    """A plan for one geometry to which Winograd applies (see `choice.py`).

    Attributes:
        whole: whether the transformed images of the whole batch are kept at once.
        forward_blocks, data_blocks: how the two directions are cut.
    """

    finishes = True
    whole: ClassVar[bool]

    def __init__(self, geometry: Geometry, dtype: np.dtype):
        self.geometry, self.dtype = geometry, dtype
        self.forward_blocks = Blocks(geometry, False, whole=self.whole)
        self.data_blocks = Blocks(geometry, True, whole=self.whole)

    def forward(self, x: Array, weight: Array, bias: Array | None, y: Array, epilogue: Epilogue | None = None) -> None:
        """y = conv(x, weight) + bias, and the epilogue."""
        table = with_bias(bias, epilogue, self.geometry.outputs, self.dtype)
        self.convolve(self.forward_blocks, x, weight, table, y)

    def backward_data(self, dy: Array, weight: Array, bias: Array | None, dx: Array) -> None:
        """dx = gradient of the images, plus ``bias`` (channels,) where a deconvolution has one."""
        table = with_bias(bias, None, self.geometry.channels, self.dtype)
        self.convolve(self.data_blocks, dy, weight, table, dx)

    def backward_weight(self, x: Array, dy: Array, dweight: Array) -> None:
        """Add the gradient of the weights to ``dweight``."""
        raise NotImplementedError

    def convolve(self, blocks: Blocks, x: Array, weight: Array, table: Array, y: Array) -> None:
        """y = conv(x, weight) with bias and epilogue of ``table``, in the direction of ``blocks``."""
        raise NotImplementedError
