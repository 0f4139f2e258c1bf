"""A Winograd convolution of few tiles and many weights, as late layers have: threads share outputs rather than tiles.

The images are transformed once, for all. Then a thread takes a panel of outputs at a time: their weights are
transformed, used and forgotten while still in cache; 36 planes of all weights together would be four times as much as
the weights in memory. Backward to the weights sums nothing apart.
"""

from __future__ import annotations

import numpy as np

from cafpy.backend import Array
from cafpy.ops.convolution.winograd.blocks import Blocks
from cafpy.ops.convolution.winograd.output_kernels import add_gradient_of_outputs, convolve_outputs, transform_images
from cafpy.ops.convolution.winograd.plan import WinogradPlan
from cafpy.ops.kernel.threaded import NO_INDICES
from cafpy.ops.kernel.workspace import workspace


class WinogradByOutput(WinogradPlan):
    """A plan for one geometry to which Winograd applies (see `choice.py`): threads share outputs."""

    whole = True
    backward_kernels = (add_gradient_of_outputs,)

    def backward_weight(self, x: Array, dy: Array, dweight: Array) -> None:
        """Add the gradient of the weights to ``dweight``."""
        blocks = self.forward_blocks
        numbers, planes, work = self._transformed(blocks, x)
        add_gradient_of_outputs(blocks.threads, numbers, NO_INDICES, planes, dy, dweight, work)

    def convolve(self, blocks: Blocks, x: Array, weight: Array, table: Array, y: Array) -> None:
        numbers, planes, work = self._transformed(blocks, x)
        convolve_outputs(blocks.threads, numbers, NO_INDICES, planes, weight, table, y, work)

    def _transformed(self, blocks: Blocks, x: Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Numbers, the images' planes, and work space."""
        parts = min(blocks.blocks, -(-blocks.threads // blocks.panels))
        numbers, room = blocks.with_room(blocks.filters + blocks.products, parts)
        planes = self.geometry.group * blocks.planes
        work = workspace(planes + room, self.dtype)
        transform_images(blocks.threads, numbers, NO_INDICES, x, work[:planes], work[planes:])
        return numbers, work[:planes], work[planes:]
