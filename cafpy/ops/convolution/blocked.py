"""Convolution over two spatial axes for the CPU: column matrices and BLAS's products in blocks that stay in cache.

All of float64; of float32 what `panels.py` and `weight_gradient.py` leave.

The numbers that the kernels of all directions are given:

    0   g, the twelve numbers of `cafpy.ops.convolution.columns`
    12  images of the batch, maps, outputs, groups
    16  address of BLAS's product; whether the images are their own column matrix; a block: ``images``, ``places``
        (``places`` windows of one image, or all windows of ``images`` images); number of blocks; the
        direction's own; whether its columns are added to the images (1) or read from them (0)
    23  elements of each thread's three buffers in ``work``: columns, lines, a block of the output
"""

from __future__ import annotations

from math import prod

import numba
import numpy as np

from cafpy.backend import Array
from cafpy.ops.convolution.blocked_backward_data import backward_data
from cafpy.ops.convolution.blocked_backward_weight import backward_weight
from cafpy.ops.convolution.blocked_forward import forward
from cafpy.ops.convolution.epilogue import Epilogue, with_bias
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.weight_gradient import WeightGradient, fills_blocks
from cafpy.ops.kernel.blas import gemm_address
from cafpy.ops.kernel.chunks import SLACK
from cafpy.ops.kernel.threaded import NO_INDICES
from cafpy.ops.kernel.workspace import workspace

BLOCK = 1 << 17  # elements of a block's column matrix: half a megabyte of an L2 cache
FEW_PLACES = 64  # products with fewer columns than this are worth taking several images together
ENOUGH_PLACES = 256  # columns of such products
SMALL_PRODUCT = 1_000_000  # multiplications up to which OpenBLAS has kernels that do not rearrange their operands first
SERIAL = 1 << 20  # multiplications that one thread does before others would have been woken
SUMS = 1 << 20  # elements that all arrays to sum weights' gradients in may have together


class BlockedConvolution:
    """A plan for one geometry and dtype: block sizes, and the three directions."""

    finishes = True

    def __init__(self, geometry: Geometry, dtype: np.dtype):
        self.geometry = geometry
        g = geometry
        multiplications = g.images * g.outputs * g.places * g.weights_per_output
        self.threads = 1 if multiplications < SERIAL else numba.get_num_threads()
        self.direct = g.pointwise and g.places >= FEW_PLACES
        self.address = gemm_address(dtype)
        self.dtype = dtype
        self.none = np.empty(0, dtype)

        images, places = _blocking(g, self.threads)
        channels, data_places = _channels_at_once(g, images, self.threads)
        columns = max(g.weights_per_output * places, channels * prod(g.kernel) * data_places) * images
        buffers = [
            0 if self.direct else columns,
            max(self._lines(images, places), self._lines(images, data_places)),
            g.outputs_per_group * images * places if images > 1 else 0,
        ]
        buffers = [size + SLACK for size in buffers]
        self.work = self.threads * sum(buffers)  # elements

        blocks = _blocks(g, images, places)
        self.weight_gradient = WeightGradient(g, self.threads) if dtype == np.float32 and fills_blocks(g) else None
        self.weight_kernels = (backward_weight,) if self.weight_gradient is None else self.weight_gradient.kernels
        self.backward_kernels = (*self.weight_kernels, backward_data)
        self.slots = _slots(self.threads, blocks, g.outputs * g.weights_per_output)

        def numbers(places: int, own: int, add: int) -> np.ndarray:
            shape = (*g.size, *g.windows, *g.kernel, *g.stride, *g.pad, *g.dilation)
            batch = (g.images, g.channels, g.outputs, g.group)
            plan = (self.address, self.direct, images, places, _blocks(g, images, places), own, add)
            return np.array([*shape, *batch, *plan, *buffers], np.int64)

        self.forward_numbers = numbers(places, _shares(g, blocks, self.threads), 0)
        self.weight_numbers = numbers(places, self.slots, 0)
        self.data_numbers = numbers(data_places, channels, 1)

    def _lines(self, images: int, places: int) -> int:
        """Elements of the lines that one map of a block needs."""
        g = self.geometry
        rows = min(g.windows[0], (places - 2) // g.windows[1] + 2)
        width = g.windows[1] + (g.kernel[1] - 1) * g.dilation[1] // g.stride[1] + SLACK
        return images * ((rows - 1) * g.stride[0] + g.extent[0]) * g.stride[1] * width

    def forward(self, x: Array, weight: Array, bias: Array | None, y: Array, epilogue: Epilogue | None = None) -> None:
        """y = conv(x, weight) + bias, and the epilogue."""
        bias = with_bias(bias, epilogue, self.geometry.outputs, self.dtype)
        forward(self.threads, self.forward_numbers, NO_INDICES, x, weight, bias, y, workspace(self.work, self.dtype))

    def backward_data(self, dy: Array, weight: Array, bias: Array | None, dx: Array) -> None:
        """dx = gradient of the images, plus ``bias`` (channels,) where a deconvolution has one."""
        bias = self.none if bias is None else bias
        backward_data(
            self.threads, self.data_numbers, NO_INDICES, dy, weight, bias, dx, workspace(self.work, self.dtype)
        )

    def backward_weight(self, x: Array, dy: Array, dweight: Array) -> None:
        """Add the gradient of the weights to ``dweight``."""
        if self.weight_gradient is not None:
            self.weight_gradient(x, dy, dweight)
            return
        size = self.slots * dweight.size if self.slots > 1 else 0
        work = workspace(size + self.work, self.dtype)
        sums, work = work[:size], work[size:]
        sums[...] = 0
        target = sums if size else dweight
        backward_weight(self.threads, self.weight_numbers, NO_INDICES, x, dy, target, work)
        for part in sums.reshape(-1, *dweight.shape):
            dweight += part


def _blocks(g: Geometry, images: int, places: int) -> int:
    return -(-g.images // images) * -(-g.places // places)


def _blocking(g: Geometry, threads: int) -> tuple[int, int]:
    """Images and windows of a block, so that its column matrix is about BLOCK and each thread has as
    many blocks as the next."""
    if g.places < FEW_PLACES:
        images = min(g.images, -(-ENOUGH_PLACES // g.places))
        rounds = -(-g.images // (images * threads))
        return max(1, -(-g.images // (rounds * threads))), g.places
    most = max(FEW_PLACES, BLOCK // g.weights_per_output)
    small = SMALL_PRODUCT // (g.outputs_per_group * g.weights_per_output)
    pieces = -(-g.places // (min(most, small) if small >= 2 * FEW_PLACES else most))
    pieces = _balanced(pieces, g.images * g.group, threads, g.places // 16)
    return 1, -(-g.places // pieces)


def _balanced(pieces: int, times: int, threads: int, most: int) -> int:
    """At least ``pieces``, so many that ``times`` as many jobs divide evenly among threads if they are few."""
    for more in range(pieces, min(most, pieces + threads) + 1):
        if more * times >= 8 * threads or more * times % threads == 0:
            return more
    return pieces


def _channels_at_once(g: Geometry, images: int, threads: int) -> tuple[int, int]:
    """Input channels and windows of a block of backward_data."""
    area, inputs = prod(g.kernel), g.channels // g.group
    channels = max(1, min(inputs, 2 * FEW_PLACES // area))
    places = g.places if images > 1 else min(g.places, max(FEW_PLACES, BLOCK // (channels * area)))
    channels = max(channels, min(inputs, BLOCK // (area * images * places)))
    small = SMALL_PRODUCT // (channels * area * g.outputs_per_group)
    if images == 1 and small >= 2 * FEW_PLACES:
        places = min(places, small)
    pieces = _balanced(-(-inputs // channels), -(-g.images // images) * g.group, threads, inputs)
    return -(-inputs // pieces), places


def _shares(g: Geometry, blocks: int, threads: int) -> int:
    """Shares of a group's outputs that forward takes as jobs of their own, where blocks and groups are too few."""
    return max(1, min(-(-threads // (blocks * g.group)), g.outputs_per_group // 16))


def _slots(threads: int, blocks: int, weights: int) -> int:
    """Teams of threads that sum weights' gradients apart: as many as there is room and work for."""
    return max(
        n for n in range(1, threads + 1) if threads % n == 0 and (n == 1 or (n * weights <= SUMS and n <= blocks))
    )
