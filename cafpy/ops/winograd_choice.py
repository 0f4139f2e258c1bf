"""Where Winograd's convolution applies, and for which directions it is faster than products of column matrices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cafpy.ops.convolution_geometry import Geometry

# What things cost, in multiplications of a matrix product (docs/performance.md tells how they were measured).
COLUMN = 12  # an element of a column matrix
TILE = 1400  # a tile of a map, to its planes or back
NARROW = 8  # columns' worth of multiplications that a product costs beside its own
FILTERS = (2200, 3500, 2800)  # one 3 x 3 filter, to its planes (or back) and through memory; for each direction
FILTERS_BY_OUTPUT = (500, 1000, 1000)  # the same in `cafpy.ops.winograd_by_output`, where they stay in cache
FEW_TILES = 128  # threads share outputs, not tiles, if there are no more
GAIN = 1.1  # that a direction must promise
LEAST = 1 << 25  # multiplications; of less the gain is not worth some seconds to compile once


class Directions(NamedTuple):
    """Of a convolution's three directions, which."""

    forward: bool
    backward_data: bool
    backward_weight: bool


def winograd_pays(g: Geometry, dtype: np.dtype) -> Directions:
    """For which directions Winograd applies and is worth it."""
    pairs = g.channels * g.outputs
    if not winograd_applies(g, dtype) or g.images * g.places * 9 * pairs < LEAST:
        return Directions(False, False, False)
    by_columns = g.images * g.places * 9 * (pairs + COLUMN * g.channels)
    filters = FILTERS_BY_OUTPUT if few_tiles(g) else FILTERS
    costs = [
        n * TILE * (g.channels + g.outputs) + ((n + NARROW) * 36 + each) * pairs
        for n, each in zip((_tiles(g, g.windows), _tiles(g, g.size), _tiles(g, g.windows)), filters, strict=True)
    ]
    return Directions(*(by_columns > GAIN * cost for cost in costs))


def few_tiles(g: Geometry) -> bool:
    """Whether threads rather share outputs than tiles."""
    return _tiles(g, g.windows) <= FEW_TILES


def _tiles(g: Geometry, size: tuple[int, ...]) -> int:
    """Tiles of 4 x 4 in all images of this size."""
    return g.images * -(-size[0] // 4) * -(-size[1] // 4)


def winograd_applies(g: Geometry, dtype: np.dtype) -> bool:
    """3 x 3 windows of neighbours, stride 1, one group, float32 (float64 is for those who want it exact)."""
    plain = g.stride == g.dilation == (1, 1) and g.group == 1
    return dtype == np.float32 and g.kernel == (3, 3) and plain and max(g.pad) <= 2
