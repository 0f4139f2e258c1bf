"""Convolution backward to the images by products in registers: the transposed weights times panels of the outputs'
gradient are a column matrix, which is summed over windows (`cafpy.ops.convolution.columns`).

Windows overlap, so a thread takes all windows of the images and input maps that it works on.

The numbers that the kernel is given:

    0   g, the twelve numbers of `cafpy.ops.convolution.columns`
    12  images of the batch, maps, outputs, groups
    16  images at once, windows of an image at once (all where there are several images), maps at once, outputs at once
    20  elements of each thread's three buffers in ``work``: columns, lines, panels; of a panel; 1 and 0; whether the
        weights are transposed
"""

from __future__ import annotations

from math import prod

import numba
import numpy as np

from cafpy.backend import Array
from cafpy.ops.convolution.columns import block, exchange
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.panel_columns import copy_rows, find_stretches, width_of_lines
from cafpy.ops.kernel.chunks import SLACK, fill, kernel
from cafpy.ops.kernel.lane_product import ROWS, WIDE
from cafpy.ops.kernel.lane_product_finished import AHEAD, address, finished_block
from cafpy.ops.kernel.lanes import LANES
from cafpy.ops.kernel.threaded import NO_INDICES, threaded

WINDOWS = 256  # at once, about
COLUMNS = 1 << 17  # elements of a block's column matrix: half of an L2 cache
DEPTH = 256  # rows of a panel, about: 32 KB
SERIAL = 1 << 20  # multiplications that one thread does before others would have been woken


@threaded
def panel_gradient(thread, threads, numbers, indices, dy, weight, bias, dx, work):
    """dx = gradient of the images + bias (maps,): this thread's share of the jobs; a job is some images and some maps
    of one group."""
    m = numbers
    g = (m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9], m[10], m[11])
    n, maps, outputs, group, images, places, at_once, depth = m[12], m[13], m[14], m[15], m[16], m[17], m[18], m[19]
    begin, panel = thread * (m[20] + m[21] + m[22]), m[23]
    columns, lines = work[begin : begin + m[20]], work[begin + m[20] : begin + m[20] + m[21]]
    panels = work[begin + m[20] + m[21] : begin + m[20] + m[21] + m[22]]
    inputs, results = maps // group, outputs // group
    area, pixels, plane = g[4] * g[5], g[2] * g[3], g[0] * g[1]
    # the gradient's own geometry, of the same type as g
    own = (m[24], pixels, m[24], pixels, m[24], m[24], m[24], m[24], m[25], m[25], m[24], m[24])
    zeros = np.zeros(ROWS, np.float32)
    stretches = np.empty(3 * (images * places // LANES + 2 * images + 4), np.int64)
    pieces, batches, each = (inputs - 1) // at_once + 1, (n - 1) // images + 1, (pixels - 1) // places + 1
    jobs = batches * group * pieces
    for job in range(thread * jobs // threads, (thread + 1) * jobs // threads):
        batch, part, piece = job // (group * pieces), job // pieces % group, job % pieces
        c0 = part * inputs + piece * at_once
        c1 = min((part + 1) * inputs, c0 + at_once)
        rows = (c1 - c0) * area
        for index in range(batch * each, (batch + 1) * each):
            n0, n1, p0, p1 = block(index, n, pixels, images, places)
            if p0 == 0:
                for i in range(n0, n1):
                    for c in range(c0, c1):
                        fill(dx, (i * maps + c) * plane, plane, bias[c])
            j0, j1 = n0 * pixels + p0, (n1 - 1) * pixels + p1
            size = j1 - j0
            count = find_stretches(own, outputs, j0, j1, m[24] != 0, m[24] != 0, panel, stretches)
            for k0 in range(0, results, depth):
                k1 = min(results, k0 + depth)
                first = part * results
                for s in range(0, count, 3):
                    at, to, length = (first + k0) * pixels + stretches[s], stretches[s + 1], stretches[s + 2]
                    copy_rows(dy, at, pixels, m[24], panels, to, length, k1 - k0)
                down, step = 1, inputs * area
                at = (first + k0) * step + (c0 - part * inputs) * area
                if m[26]:
                    down, step = results, 1
                    at = c0 * area * results + k0
                for r in range(0, rows, ROWS):
                    a = address(weight, at + r * down)
                    for j in range(0, size, WIDE):
                        finished_block(
                            1, k1 - k0, a, down, step, 0, address(panels, j // WIDE * panel), WIDE,
                            address(columns, r * size + j), size, min(ROWS, rows - r), min(WIDE, size - j), k0 > 0,
                            zeros, 0, 0, False, a + 4 * AHEAD * step, step,
                        )  # fmt: skip
            if area == 1 and g[8] == 0 and g[9] == 0:
                spread_pixels(columns, j0, j1, dx, maps, c0, c1, g)
            else:
                exchange(dx, maps, n0, n1, c0, c1, p0, p1, g, columns, lines, 1)


@kernel
def spread_pixels(columns, j0, j1, dx, maps, c0, c1, g):
    """Add what windows of one pixel, j0 to j1 of all images', have in maps c0 to c1; they do not overlap."""
    pixels, j = g[2] * g[3], j0
    while j < j1:
        image = j // pixels
        row = (j - image * pixels) // g[3]
        column = j - image * pixels - row * g[3]
        count = min(g[3] - column, j1 - j)
        for c in range(c0, c1):
            to = ((image * maps + c) * g[0] + row * g[6]) * g[1] + column * g[7]
            source = (c - c0) * (j1 - j0) + j - j0
            for i in range(np.uint64(count)):
                dx[np.uint64(to) + i * np.uint64(g[7])] += columns[np.uint64(source) + i]
        j += count


class PanelGradient:
    """The plan of the gradient of images for one geometry over two spatial axes, float32.

    ``turned``: the weights are transposed, a row for each place of the kernel in each map of the images.
    """

    kernels = (panel_gradient,)

    def __init__(self, g: Geometry, turned: bool):
        multiplications = g.images * g.outputs * g.places * g.weights_per_output
        self.threads = 1 if multiplications < SERIAL else numba.get_num_threads()
        area, inputs = prod(g.kernel), g.channels // g.group
        if g.places < WINDOWS:
            images, places = min(g.images, -(-WINDOWS // g.places)), g.places
            images = max(1, min(images, -(-g.images // self.threads)))
        else:
            images, places = 1, -(-g.places // -(-g.places // WINDOWS))
            places = min(g.places, -(-places // WIDE) * WIDE)
        windows = images * places
        pieces = -(-inputs // max(1, min(inputs, COLUMNS // (area * windows))))
        if -(-g.images // images) * g.group * pieces < self.threads:
            pieces = min(inputs, self.threads)
        at_once = -(-inputs // pieces)
        depth = -(-g.outputs_per_group // -(-g.outputs_per_group // DEPTH))
        panel = depth * WIDE + SLACK
        rows = min(g.windows[0], (places - 2) // g.windows[1] + 2)
        lines = images * ((rows - 1) * g.stride[0] + g.extent[0]) * g.stride[1] * (width_of_lines(g) + SLACK)
        sizes = at_once * area * windows, lines, -(-windows // WIDE) * panel
        buffers = [(size // SLACK + 2) * SLACK for size in sizes]
        self.work = self.threads * sum(buffers)
        shape = (*g.size, *g.windows, *g.kernel, *g.stride, *g.pad, *g.dilation)
        batch = (g.images, g.channels, g.outputs, g.group)
        self.numbers = np.array(
            [*shape, *batch, images, places, at_once, depth, *buffers, panel, 1, 0, turned], np.int64
        )

    def __call__(self, dy: Array, weight: Array, bias: Array, dx: Array, work: Array) -> None:
        """dx = the gradient, plus ``bias`` (channels,); ``work`` is flat, of ``self.work`` numbers at least."""
        panel_gradient(self.threads, self.numbers, NO_INDICES, dy, weight, bias, dx, work)
