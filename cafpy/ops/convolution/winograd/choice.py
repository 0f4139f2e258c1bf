"""Where Winograd's convolution applies, for which directions it is faster than products of all windows, and which of
its two plans then is the faster one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.kernel.lane_product import WIDE
from cafpy.ops.kernel.lanes import LANES

# What things cost, in multiplications of a matrix product (docs/kernels.md tells how they were measured).
COLUMN = 6  # an element of a column of a window
TILE = {3: 400, 5: 200}  # a tile of a map, to its planes or back, by the filters' side
FILTERS = 1300  # a filter to its planes (or back) and through memory, where threads share tiles
FILTERS_BY_OUTPUT = 1100  # the same where they share outputs, and the planes stay in cache
FEW_TILES = 128  # threads rather share outputs than tiles, if there are no more
SUMS = 1 << 18  # elements of a gradient of the transformed weights that a core keeps in its own cache
PLANES = 3 << 20  # elements of the transformed images that may be read again for every panel of outputs
GAIN = 1.1  # that a direction must promise
# multiplications; of fewer in all, or in an image, which small nets have, the gain is not worth some seconds to compile
LEAST, LEAST_OF_IMAGE = 1 << 24, 1 << 21


class Directions(NamedTuple):
    """What each of a convolution's three directions is done by: Winograd's plan whose threads share "tiles", that whose
    threads share "outputs", or "exact" sums."""

    forward: str
    backward_data: str
    backward_weight: str


def winograd_pays(g: Geometry, dtype: np.dtype) -> Directions:
    """What each direction is done by."""
    of_image = g.places * g.weights_per_output * g.outputs
    if not winograd_applies(g, dtype) or of_image < LEAST_OF_IMAGE or g.images * of_image < LEAST:
        return Directions("exact", "exact", "exact")
    forward, data = _tiles(g, g.windows), _tiles(g, g.size)
    return Directions(
        _way(g, forward, _few(forward), False),
        _way(g, data, _few(data), True),
        _way(g, forward, _few(forward) or _sums_in_memory(g, forward), False),
    )


def winograd_applies(g: Geometry, dtype: np.dtype) -> bool:
    """3 x 3 or 5 x 5 windows of neighbours, stride 1, float32 (float64 is for those who want it exact)."""
    plain = len(g.size) == 2 and g.stride == g.dilation == (1, 1)
    return dtype == np.float32 and plain and g.kernel in ((3, 3), (5, 5)) and max(g.pad) < g.kernel[0]


def _way(g: Geometry, tiles: int, by_output: bool, backward: bool) -> str:
    maps, outputs = g.channels // g.group, g.outputs // g.group
    if backward:
        maps, outputs = outputs, maps
    windows, area = g.images * (np.prod(g.size) if backward else g.places), g.kernel[0] ** 2
    exact = windows * area * maps * (outputs + COLUMN)
    transforms = TILE[g.kernel[0]] * (_up(maps, LANES) + _up(outputs, LANES))
    products = 36 * maps * (_up(outputs, LANES if outputs <= LANES else WIDE))
    filters = (FILTERS_BY_OUTPUT if by_output else FILTERS) * maps * _up(outputs, WIDE)
    if exact < GAIN * (tiles * (transforms + products) + filters):
        return "exact"
    return "outputs" if by_output else "tiles"


def _few(tiles: int) -> bool:
    return tiles <= FEW_TILES


def _sums_in_memory(g: Geometry, tiles: int) -> bool:
    """Whether the gradients of the transformed weights are too large to be added to by every block of tiles, and the
    transformed images not too large to be kept instead."""
    sums = 36 * g.channels // g.group * g.outputs
    return sums > SUMS and 36 * tiles * g.channels <= PLANES


def _tiles(g: Geometry, size: tuple[int, ...]) -> int:
    """Tiles in all images of this size."""
    outputs = 7 - g.kernel[0]
    return g.images * -(-size[0] // outputs) * -(-size[1] // outputs)


def _up(count: int, step: int) -> int:
    return -(-count // step) * step
