"""What the kernel of `cafpy.ops.convolution.panel_product` is told: how a product is divided into jobs and pieces."""

from __future__ import annotations

from math import prod

import numba
import numpy as np

from cafpy.backend import Array
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.panel_columns import tap_offsets, width_of_lines
from cafpy.ops.convolution.panel_product import panel_product
from cafpy.ops.kernel.chunks import SLACK
from cafpy.ops.kernel.lane_product import ROWS, WIDE

DEPTH = 512  # rows of a panel, about: 64 KB
PANELS = 1 << 17  # elements of the panels of a job: half of an L2 cache
MOST = 1 << 11  # windows of a job
FEW_STRIPS = 6  # of outputs that make it worthwhile to copy windows for them
SERIAL = 1 << 20  # multiplications that one thread does before others would have been woken


class PanelProduct:
    """A convolution's weights times the windows of its images, float32.

    ``transposed``: the gradient of the images instead, of a geometry that has the gradient's maps as its images' and
    the images' as its outputs. Weights are as they were, or, where they are `crowded`, ``turned``: a row for each map
    of the images.
    """

    kernels = (panel_product,)

    def __init__(self, g: Geometry, transposed: bool = False, turned: bool = False):
        multiplications = g.images * g.outputs * g.places * g.weights_per_output
        self.threads = 1 if multiplications < SERIAL else numba.get_num_threads()
        size, windows = (g.size, g.windows) if not g.pointwise else ((1, g.places),) * 2
        area, inputs = prod(g.kernel), g.channels // g.group
        in_place = g.pad == (0, 0) and (g.stride[1] == 1 or area == 1)
        pieces = -(-inputs * area // DEPTH)
        at_once = max(1, -(-inputs // pieces))
        panel = at_once * area * WIDE + SLACK
        of_job, shares = _division(g, max(1, min(PANELS // panel, MOST // WIDE)), self.threads)
        lines = 0 if in_place else _lines(g, of_job * WIDE)
        straight = g.pointwise and g.outputs_per_group <= FEW_STRIPS * ROWS
        # each begins at a line of the cache
        buffers = of_job * panel, -(-lines // SLACK) * SLACK
        self.work = self.threads * sum(buffers)
        self.taps = tap_offsets(g, in_place, transposed)
        shape = (*size, *windows, *g.kernel, *g.stride, *g.pad, *g.dilation)
        batch = (g.images, g.channels, g.outputs, g.group)
        plan = (of_job * WIDE, at_once, shares, in_place, straight, transposed and not turned)
        self.numbers = np.array([*shape, *batch, *plan, *buffers, panel], np.int64)

    def __call__(self, x: Array, weight: Array, table: Array, y: Array, work: Array) -> None:
        """y = the product, plus the table's bias and epilogue (`cafpy.ops.convolution.epilogue`'s `with_bias`, never
        empty); ``work`` is flat, of ``self.work`` numbers at least."""
        panel_product(self.threads, self.numbers, self.taps, x, weight, table, y, work)


def _division(g: Geometry, most: int, threads: int) -> tuple[int, int]:
    """Panels of a job, and shares of a group's outputs that are jobs of their own."""
    total = g.images * g.places
    panels = -(-total // WIDE)
    strips = -(-g.outputs_per_group // ROWS)
    # whoever shares windows reads all weights, whoever shares outputs reads all windows
    if g.group < threads <= strips and (total < g.outputs_per_group or panels * g.group < threads):
        return min(most, panels), threads
    rounds = -(-panels * g.group // (most * threads))
    return max(1, -(-panels * g.group // (rounds * threads))) if g.group < threads else min(most, panels), 1


def _lines(g: Geometry, windows: int) -> int:
    """Elements of the lines that ``windows`` windows need of one map, and SLACK beyond."""
    images = min(g.images, (windows - 2) // g.places + 2)
    rows = min(g.windows[0] * images, (windows - 2) // g.windows[1] + 1 + images)
    return (rows * g.stride[0] + images * g.extent[0]) * g.stride[1] * width_of_lines(g) + SLACK
