"""The gradient of a convolution's weights in float32: sums over windows, ROWS × WIDE of them in registers.

The numbers that the kernels are given:

    0   height, width, rows and columns of windows, kernel h, w, stride h, w, pad h, w, dilation h, w
    12  images of the batch, maps, outputs, groups
    16  where the images' numbers are read: in padded copies of rows (0), in the images (1), in images whose windows are
        their pixels (2); a block: ``images``, ``places`` (`cafpy.ops.convolution.columns.block`); number of blocks;
        teams of threads; maps at once; elements from one run of windows to the next; rows of a phase in the copies
    24  elements of each thread's two buffers in ``work``: a panel, padded rows
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cafpy.backend import Array
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.weight_kernels import add_teams, sum_windows
from cafpy.ops.kernel.lane_product import ROWS, WIDE
from cafpy.ops.kernel.lanes import LANES
from cafpy.ops.kernel.threaded import NO_INDICES
from cafpy.ops.kernel.workspace import workspace

WINDOWS = 256  # of a block: a panel of them stays in the L1 cache, and sums are seldom written
ENOUGH = 128  # windows of an image that are worth no sum with those of others
COPIES = 1 << 17  # elements of padded rows, or of maps as they are, that stay in the L2 cache beside it
SUMS = 1 << 20  # elements that all arrays to sum in may have together


class WeightGradient:
    """A plan for one geometry over two axes and a number of threads."""

    kernels = (sum_windows, add_teams)

    def __init__(self, g: Geometry, threads: int):
        if g.size[1] == g.kernel[1] == 1 and not g.pad[1]:
            g = _turned(g)  # columns are rows as well; a row of windows should be long
        self.threads = threads
        self.finishers = threads if g.outputs * g.weights_per_output > LANES**3 else 1
        (h, w), (rows, columns), (kh, kw), (sh, sw), (dh, dw) = g.size, g.windows, g.kernel, g.stride, g.dilation
        inputs = g.channels // g.group
        direct = 2 if g.pointwise else int(not any(g.pad) and (g.places >= ENOUGH or g.images == 1))
        images, places = _block(g, direct, threads)
        lines = places // columns if direct != 2 else 1  # rows of windows of a block
        # of padded copies
        positions = (lines - 1) + (kh - 1) * dh // sh + 1
        width = (columns - 1) * sw + (kw - 1) * dw + 1
        jump = (g.channels * h * w if direct == 2 else sh * w) if direct else width
        of_map = images * (places if direct else sh * positions * width)
        at_once = max(1, min(inputs, COPIES // of_map))
        at_once = -(-inputs // -(-inputs // at_once))
        panel = (images * places + LANES) * WIDE + LANES * LANES
        copies = LANES + (0 if direct else at_once * of_map)
        blocks = -(-g.images // images) * -(-g.places // places)
        panels = -(-g.outputs_per_group // WIDE)
        self.sums = g.group * panels * WIDE * g.weights_per_output
        self.slots = _slots(threads, blocks, self.sums)
        if blocks == 1:
            self.sums = threads * LANES * WIDE  # a few at a time
        self.work = threads * (panel + copies)
        plan = (direct, images, places, blocks, self.slots, at_once, jump, positions, panel, copies)
        shape = (h, w, rows, columns, kh, kw, sh, sw, *g.pad, dh, dw, g.images, g.channels, g.outputs, g.group)
        self.numbers = np.array([*shape, *plan], np.int64)
        self.finish = np.array([self.slots, g.group, g.outputs_per_group, g.weights_per_output], np.int64)

        c, a, b = (np.arange(n).reshape(shape) for n, shape in ((inputs, (-1, 1, 1)), (kh, (-1, 1)), (kw, -1)))
        if direct:
            offsets = [(c * h + a * dh) * w + b * dw] * 2
        else:
            line = (c * sh + a * dh % sh) * positions + a * dh // sh
            offsets = [line * n * width + b * dw for n in (images, g.images % images)]
        self.offsets = np.concatenate(offsets).astype(np.int32).ravel()

    def __call__(self, x: Array, dy: Array, dweight: Array) -> None:
        """Add the gradient to ``dweight``."""
        size = self.slots * self.sums + LANES * WIDE
        work = workspace(size + max(self.work, self.threads * LANES * LANES), np.dtype(np.float32))
        sums, work = work[:size], work[size:]
        sum_windows(self.threads, self.numbers, self.offsets, x, dy, sums, work, dweight)
        if self.slots > 1:
            add_teams(self.finishers, self.finish, NO_INDICES, sums, dweight, work)


def fills_blocks(g: Geometry) -> bool:
    """Whether two fifths of what is computed are wanted at least: else column matrices and BLAS are faster.

    (They are a little faster for a half already, LeNet's first layer, but not worth another second of compiling.)
    """
    wide = g.outputs_per_group % WIDE > LANES
    outputs = -(-g.outputs_per_group // WIDE) * WIDE if wide else -(-g.outputs_per_group // LANES) * LANES
    rows = -(-g.weights_per_output // ROWS) * ROWS
    return 5 * g.outputs_per_group * g.weights_per_output >= 2 * outputs * rows


def _turned(g: Geometry) -> Geometry:
    """The geometry with its two axes exchanged."""
    axes = {name: getattr(g, name)[::-1] for name in ("size", "kernel", "stride", "pad", "dilation")}
    return replace(g, **axes)


def _block(g: Geometry, direct: int, threads: int) -> tuple[int, int]:
    """Images and windows of a block; windows of one image are whole rows unless they are its pixels."""
    if g.places >= WINDOWS or (direct == 1 and g.places >= ENOUGH):
        unit = 1 if direct == 2 else g.windows[1]
        rows = g.places // unit
        pieces = max(1, rows // max(1, WINDOWS // unit))
        return 1, -(-rows // (_even(g.images * pieces, threads, g.images * rows) // g.images)) * unit
    images = 1 if direct == 1 else min(g.images, -(-WINDOWS // g.places))
    return -(-g.images // _even(-(-g.images // images), threads, g.images)), g.places


def _even(blocks: int, threads: int, most: int) -> int:
    """As many blocks, or some more so that few of them are the same number for each thread."""
    even = -(-blocks // threads) * threads
    return even if blocks < 8 * threads and even <= most else blocks


def _slots(threads: int, blocks: int, sums: int) -> int:
    """Teams of threads that sum apart: as many as there is room and work for."""
    return max(n for n in range(1, threads + 1) if threads % n == 0 and (n == 1 or (n * sums <= SUMS and n <= blocks)))
