"""A Winograd convolution of few tiles and many weights, as late layers have: threads share outputs rather than tiles.

The images are transformed once, for all. Then a thread takes some outputs at a time: their weights are transformed,
used and forgotten while still in cache; 36 planes of all weights together would be four times as much as the weights
in memory. Backward to the weights sums nothing apart.
"""

from __future__ import annotations

import numba
import numpy as np

from cafpy.backend import Array
from cafpy.ops.blas import gemm_address
from cafpy.ops.chunks import SLACK
from cafpy.ops.convolution_geometry import Geometry
from cafpy.ops.threaded import NO_INDICES
from cafpy.ops.winograd_output_kernels import AT_ONCE, add_gradient_of_outputs, convolve_outputs, transform_images
from cafpy.ops.workspace import workspace

OUTPUTS = 32  # that a thread takes at a time


class WinogradByOutput:
    """A plan for one geometry to which Winograd applies (see `cafpy.ops.winograd_choice`); all tiles are one block."""

    def __init__(self, geometry: Geometry, dtype: np.dtype):
        g = geometry
        self.threads = numba.get_num_threads()
        back = (2 - g.pad[0], 2 - g.pad[1])
        self.forward_numbers = self._numbers(g.images, g.channels, g.outputs, g.size, g.windows, g.pad, False)
        self.data_numbers = self._numbers(g.images, g.outputs, g.channels, g.windows, g.size, back, True)
        self.none = np.empty(0, dtype)

    def forward(self, x: Array, weight: Array, bias: Array | None, y: Array) -> None:
        """y = conv(x, weight) + bias."""
        planes, work = self._transformed(x, self.forward_numbers)
        bias = self.none if bias is None else bias
        convolve_outputs(self.threads, self.forward_numbers, NO_INDICES, planes, weight, bias, y, work)

    def backward_data(self, dy: Array, weight: Array, bias: Array | None, dx: Array) -> None:
        """dx = gradient of the images, plus ``bias`` (channels,) where a deconvolution has one."""
        planes, work = self._transformed(dy, self.data_numbers)
        bias = self.none if bias is None else bias
        convolve_outputs(self.threads, self.data_numbers, NO_INDICES, planes, weight, bias, dx, work)

    def backward_weight(self, x: Array, dy: Array, dweight: Array) -> None:
        """Add the gradient of the weights to ``dweight``."""
        planes, work = self._transformed(x, self.forward_numbers)
        add_gradient_of_outputs(self.threads, self.forward_numbers, NO_INDICES, planes, dy, dweight, work)

    def _transformed(self, x: Array, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The images' planes, and work space."""
        size, each = 36 * int(numbers[15]), int(numbers[17])
        work = workspace(size + self.threads * each, self.none.dtype)
        transform_images(self.threads, numbers, NO_INDICES, x, work[:size], work[size:])
        return work[:size], work[size:]

    def _numbers(
        self,
        images: int,
        maps: int,
        outputs: int,
        source: tuple[int, ...],
        result: tuple[int, ...],
        pad: tuple[int, ...],
        flipped: bool,
    ) -> np.ndarray:
        of_map, tiles = -(-result[0] // 4), -(-result[1] // 4)
        n = images * of_map * tiles
        at_once = min(OUTPUTS, -(-outputs // self.threads))
        planes = [-(-size // SLACK) * SLACK + SLACK for size in (maps * n, at_once * n)]
        lines = 12 * max(1, AT_ONCE // tiles) * (4 * tiles + 4) + 40 * n + 27 * max(maps, at_once) + 3 * SLACK
        each = 36 * (at_once * maps + 16 + planes[1]) + lines
        plan = (gemm_address(np.dtype(np.float32)), flipped, of_map, tiles, images * of_map, 1)
        return np.array([images, maps, outputs, *source, *result, *pad, *plan, *planes, each, at_once], np.int64)
