"""How a direction of a Winograd convolution is cut into blocks of tiles, and the room that these need."""

from __future__ import annotations

import numba
import numpy as np

from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.winograd.filters import PIECE
from cafpy.ops.kernel.lane_product import ROWS, WIDE
from cafpy.ops.kernel.lanes import LANES

PLANES = 160 * 1024  # elements of a block's planes of the source: they and those of some outputs stay in an L2 cache
FEWEST, MOST = 48, 128  # tiles of a block, if there are so many: with few of them weights are read too often


class Blocks:
    """One direction of a convolution.

    Attributes:
        numbers: what its kernels are given, but for the last (see `products.py`).
        planes, products, filters, lines: elements of a block's planes, of the products of a panel of outputs, of its
            transformed filters, and of lines.
    """

    def __init__(self, g: Geometry, backward: bool, *, whole: bool = False):
        """With ``whole`` the planes are those of all tiles of the batch."""
        taps, size, windows = g.kernel[0], g.size, g.windows
        outputs = 7 - taps
        self.threads = numba.get_num_threads()
        self.maps, self.results, pad = g.channels, g.outputs, g.pad
        if backward:
            self.maps, self.results, pad = g.outputs, g.channels, (taps - 1 - pad[0], taps - 1 - pad[1])
            size, windows = windows, size
        self.inputs, self.outputs = self.maps // g.group, self.results // g.group
        self.panels = g.group * -(-self.outputs // WIDE)
        of_map, tiles = -(-windows[0] // outputs), -(-windows[1] // outputs)
        total = g.images * of_map
        step = -(-self.inputs // LANES) * LANES
        self.rows = _rows(total, tiles, step, g.group, self.threads)
        self.blocks = -(-total // self.rows)
        n = self.rows * tiles
        # planes a power of two apart would share few places of a cache
        planes = [step * (total * tiles if whole else n), WIDE * n, WIDE * self.inputs]
        planes = [size + LANES for size in planes]
        self.planes, self.products, self.filters = (36 * size for size in planes)
        at_once = min(self.rows, of_map)
        filters = (PIECE * taps * taps + 2 * LANES + 36 + 6 * taps) * LANES
        of_inputs = size[1] + 6 * (tiles * outputs + 6 - outputs) + (at_once * outputs + 6) * size[1] + LANES
        of_outputs = (6 + at_once) * outputs * (tiles * outputs + windows[1]) + LANES
        lines = [max(LANES * count, filters) for count in (of_inputs, of_outputs)]
        self.lines = sum(lines)
        shape = (g.images, self.maps, self.results, *size, *windows, *pad, taps, g.group, backward)
        self.numbers = [*shape, of_map, tiles, self.rows, self.blocks, step, *planes, *lines]

    def with_room(self, size: int, own: int) -> tuple[np.ndarray, int]:
        """The numbers for a kernel whose threads need ``size`` elements each besides lines, and the room for all."""
        each = -(-(self.lines + size) // LANES) * LANES
        return np.array([*self.numbers, each, own], np.int64), self.threads * each


def _rows(total: int, tiles: int, step: int, groups: int, threads: int) -> int:
    """Rows of tiles of a block: what costs least, in rows of a product, with each thread having as many as the next."""
    most = max(1, min(MOST, max(FEWEST, PLANES // (36 * step))) // tiles)

    def cost(rows: int) -> tuple[int, int]:
        rounds = -(-(-(-total // rows) * groups) // threads)
        return rounds * (-(-rows * tiles // ROWS) * ROWS + ROWS), -rows

    return min(range(max(1, most // 2), min(total, most) + 1), key=cost, default=1)
