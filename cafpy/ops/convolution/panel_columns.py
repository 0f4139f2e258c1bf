"""Column matrices in panels of WIDE windows inside Numba kernels, for products in registers
(`cafpy.ops.kernel.lane_product`).

The windows of all images are counted in a row, so that a panel may go on in the next image. A stretch is some windows,
16 at most, of one row of an image and one panel: neighbours in memory for each place of the kernel, given by three
numbers: where the first of them is in a map (or its lines), where it is in the panels, how many they are.

All arrays are flat. `g` is everywhere (height, width, rows and columns of windows, kernel h, w, stride h, w, pad h, w,
dilation h, w).
"""

from __future__ import annotations

import numpy as np

from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.kernel.chunks import SLACK, kernel
from cafpy.ops.kernel.lane_product import WIDE
from cafpy.ops.kernel.lanes import LANES, load, load_first, store, store_first
from cafpy.ops.kernel.lines import line_span, line_width, read_lines


@kernel
def rows_of(g, j0, j1, n):
    """Of windows j0 to j1 those in image ``n``: the first row, and how many rows."""
    places = g[2] * g[3]
    row = max(0, j0 - n * places) // g[3]
    return row, (min(places, j1 - n * places) - 1) // g[3] + 1 - row


@kernel
def find_stretches(g, maps, j0, j1, in_place, whole, panel, stretches):
    """The stretches of windows j0 to j1, and how many; panels are ``panel`` numbers apart. ``in_place``: the images are
    read as they are, and a stretch begins as far from the first image's map as its image is. Without ``whole``, panels
    that one row has all windows of are left out."""
    places, line = g[2] * g[3], g[7] * (line_width(g) - SLACK)
    count, base, j = 0, 0, j0
    while j < j1:
        n = j // places
        top, rows = rows_of(g, j0, j1, n)
        end = min(j1, (n + 1) * places)
        row = (j - n * places) // g[3]
        column = j - n * places - row * g[3]
        while j < end:
            if column == g[3]:
                row, column = row + 1, 0
            lane = (j - j0) % WIDE
            if not whole and lane == 0 and g[3] - column >= WIDE and end - j >= WIDE:
                j, column = j + WIDE, column + WIDE
                continue
            length = min(min(g[3] - column, end - j), LANES - lane % LANES)
            if in_place:
                start = (n * maps * g[0] + row * g[6]) * g[1] + column * g[7]
            else:
                start = base + (row - top) * g[6] * line + column
            stretches[count], stretches[count + 1] = start, (j - j0) // WIDE * panel + lane
            stretches[count + 2] = length
            count += 3
            j += length
            column += length
        base += line_span(g, top, rows)[1] * line
    return count


def tap_offsets(g: Geometry, in_place: bool, backwards: bool) -> np.ndarray:
    """Where each place of the kernel has window 0, from where a map (or its lines) begins (int32); with ``backwards``
    from the last place of the kernel to the first."""
    rows, columns = (np.arange(k) * d for k, d in zip(g.kernel, g.dilation, strict=True))
    if in_place:
        taps = rows[:, None] * g.size[1] + columns
    else:
        taps = (rows[:, None] * g.stride[1] + columns % g.stride[1]) * width_of_lines(g) + columns // g.stride[1]
    return np.ascontiguousarray(taps.reshape(-1)[:: -1 if backwards else 1], np.int32)


def width_of_lines(g: Geometry) -> int:
    """Numbers of one phase of a line (`cafpy.ops.kernel.lines`) without SLACK."""
    return g.windows[1] + (g.kernel[1] - 1) * g.dilation[1] // g.stride[1]


@kernel
def read_map(x, maps, c, g, j0, j1, lines):
    """The lines of windows j0 to j1 in map ``c`` of all their images, one after the other."""
    places, width = g[2] * g[3], line_width(g) - SLACK
    base = 0
    for n in range(j0 // places, (j1 - 1) // places + 1):
        row, rows = rows_of(g, j0, j1, n)
        top, count = line_span(g, row, rows)
        read_lines(x, n * maps + c, top, count, g, width, x.dtype.type(0), lines[base:])
        base += count * g[7] * width


@kernel
def copy_taps(source, base, stretches, count, taps, panels, at):
    """All stretches of a map, whose rows in the panels begin ``at``."""
    for s in range(0, count, 3):
        start, to, length = base + stretches[s], at + stretches[s + 1], stretches[s + 2]
        for t in range(taps.size):
            store_first(load_first(source, start + taps[t], length), panels, to + t * WIDE, length)


@kernel
def copy_rows(x, start, plane, stride, panels, to, length, count):
    """A stretch of ``count`` maps, of windows of one pixel."""
    if stride > 1:
        for c in range(count):
            for j in range(np.uint64(length)):  # known to be positive, it becomes SIMD
                panels[np.uint64(to + c * WIDE) + j] = x[np.uint64(start + c * plane) + j * np.uint64(stride)]
    elif length == LANES:
        for c in range(count):
            store(load(x, start + c * plane), panels, to + c * WIDE)
    else:
        for c in range(count):
            store_first(load_first(x, start + c * plane, length), panels, to + c * WIDE, length)
