"""Convolution of 3 x 3 windows, stride 1, in one group and float32, by Winograd's F(4x4, 3x3): a plan as others are.

A tile of 4 x 4 outputs costs 36 products of (outputs, maps) and (maps, tiles) matrices in place of 144, and moves to
and from there that cost the more the fewer the maps. A result is off by 1e-6 to 2e-5 of the largest magnitude, ten to
forty times what other plans are, and an inf or NaN spoils the whole tile (of 6 x 6 inputs or 4 x 4 outputs) it meets.
"""

from __future__ import annotations

import numba
import numpy as np

from cafpy.backend import Array
from cafpy.ops.blas import gemm_address
from cafpy.ops.chunks import SLACK
from cafpy.ops.convolution_geometry import Geometry
from cafpy.ops.threaded import NO_INDICES
from cafpy.ops.winograd_kernels import add_weight_gradient, convolve, sum_products, transform_weights
from cafpy.ops.workspace import workspace

TILES = 128  # of a block: a few columns more per product than it needs, so that weights are read less often
SUMS = 1 << 25  # elements that all arrays to sum weights' gradients in may have together, if there is more than one


class WinogradConvolution:
    """A plan for one geometry to which Winograd applies (see `cafpy.ops.winograd_choice`)."""

    def __init__(self, geometry: Geometry, dtype: np.dtype):
        g = self.geometry = geometry
        self.threads = numba.get_num_threads()
        self.forward_blocks = _Blocks(g.images, g.channels, g.outputs, g.size, g.windows, g.pad, self.threads, False)
        back = (2 - g.pad[0], 2 - g.pad[1])
        self.data_blocks = _Blocks(g.images, g.outputs, g.channels, g.windows, g.size, back, self.threads, True)
        self.filters = 36 * g.outputs * g.channels  # elements of the transformed weights
        self.none = np.empty(0, dtype)

    def forward(self, x: Array, weight: Array, bias: Array | None, y: Array) -> None:
        """y = conv(x, weight) + bias."""
        self._convolve(self.forward_blocks, False, x, weight, bias, y)

    def backward_data(self, dy: Array, weight: Array, bias: Array | None, dx: Array) -> None:
        """dx = gradient of the images, plus ``bias`` (channels,) where a deconvolution has one."""
        self._convolve(self.data_blocks, True, dy, weight, bias, dx)

    def backward_weight(self, x: Array, dy: Array, dweight: Array) -> None:
        """Add the gradient of the weights to ``dweight``."""
        g, blocks = self.geometry, self.forward_blocks
        slots = int(blocks.numbers[-1])
        size = slots * self.filters
        work = workspace(size + max(blocks.work, self.threads * 27 * g.channels), self.none.dtype)
        sum_products(blocks.threads, blocks.numbers, NO_INDICES, x, dy, work[:size], work[size:])
        numbers = np.array([g.outputs, g.channels, slots], np.int64)
        add_weight_gradient(self.threads, numbers, NO_INDICES, work[:size], dweight, work[size:])

    def _convolve(self, blocks: _Blocks, flip: bool, x: Array, weight: Array, bias: Array | None, y: Array) -> None:
        g = self.geometry
        work = workspace(self.filters + max(blocks.work, self.threads * 27 * g.channels), self.none.dtype)
        filters, work = work[: self.filters], work[self.filters :]
        numbers = np.array([g.outputs, g.channels, flip], np.int64)
        transform_weights(self.threads, numbers, NO_INDICES, weight, filters, work)
        bias = self.none if bias is None else bias
        convolve(blocks.threads, blocks.numbers, NO_INDICES, x, filters, bias, y, work)


class _Blocks:
    """One direction: its tiles shared among ``threads``, the numbers for the kernels, elements of work space."""

    def __init__(
        self,
        images: int,
        maps: int,
        outputs: int,
        source: tuple[int, ...],
        result: tuple[int, ...],
        pad: tuple[int, ...],
        threads: int,
        flipped: bool,
    ):
        of_map, tiles = -(-result[0] // 4), -(-result[1] // 4)
        total = images * of_map
        threads = min(threads, total)
        blocks = -(-total // max(1, TILES // tiles))
        blocks = min(total, -(-blocks // threads) * threads)
        rows = -(-total // blocks)
        blocks = -(-total // rows)
        self.threads = min(threads, blocks)
        n = rows * tiles
        # planes a power of two apart would share few places of a cache
        planes = [-(-count * n // SLACK) * SLACK + SLACK for count in (maps, outputs)]
        each = 36 * sum(planes) + 12 * rows * (4 * tiles + 4) + 40 * n + 3 * SLACK
        self.work = self.threads * each
        shape = (images, maps, outputs, *source, *result, *pad)
        plan = (gemm_address(np.dtype(np.float32)), flipped, of_map, tiles, rows, blocks)
        slots = _slots(self.threads, 36 * maps * outputs)
        self.numbers = np.array([*shape, *plan, *planes, each, slots], np.int64)


def _slots(threads: int, weights: int) -> int:
    """Teams of threads that sum weights' gradients apart: as many as there is room for."""
    return max(n for n in range(1, threads + 1) if threads % n == 0 and (n == 1 or n * weights <= SUMS))
