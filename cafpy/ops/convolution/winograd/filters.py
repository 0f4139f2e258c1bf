"""Filters inside Numba kernels: of sixteen outputs to their 36 planes, and gradients of the planes back.

The planes of a panel of outputs are u[q * plane + c * WIDE + output], WIDE outputs beside each other, as the products
want them. All arrays are flat; `taps` is 3 or 5.
"""

from __future__ import annotations

from cafpy.ops.convolution.winograd.transforms import filter_gradient_line, filter_line
from cafpy.ops.kernel.chunks import kernel
from cafpy.ops.kernel.lane_product import WIDE
from cafpy.ops.kernel.lanes import LANES, load, load_first, store, store_first, transpose_in, transpose_out

PIECE = 16  # maps that are turned at a time


@kernel
def filter_panel(weights, first, count, row, maps, column, taps, flip, work, u, start, plane):
    """Planes of the filters of ``count`` outputs, at most WIDE, beginning at weights[first], from u[start] on; those
    of an output and the next are ``row`` apart, of a map and the next ``column``. Missing outputs are zeros."""
    area = taps * taps
    size = area * LANES
    lines = work[PIECE * size :]
    for k in range(0, WIDE, LANES):
        some = min(LANES, count - k)
        for c0 in range(0, maps, PIECE):
            c1 = min(maps, c0 + PIECE)
            source = first + k * row + c0 * column
            if column == area:  # one stretch of numbers for all these maps
                for j in range(0, (c1 - c0) * area, LANES):
                    transpose_in(weights, source + j, row, some, (c1 - c0) * area - j, work, j * LANES, LANES)
            else:
                # the next map may overwrite what is beyond its predecessor
                for c in range(c1 - c0):
                    for j in range(0, area, LANES):
                        place = c * size + j * LANES
                        transpose_in(weights, source + c * column + j, row, some, area - j, work, place, LANES)
            for c in range(c0, c1):
                at, step = (c - c0) * size, LANES
                if flip:
                    at, step = at + size - LANES, -LANES
                for j in range(taps):
                    filter_line(7 - taps, work, at + j * step, taps * step, lines, j * LANES, taps * LANES)
                for i in range(6):
                    to = start + 6 * i * plane + c * WIDE + k
                    filter_line(7 - taps, lines, i * taps * LANES, LANES, u, to, plane)


@kernel
def add_filter_gradients(u, start, plane, slots, slot, count, maps, taps, work, dweight, first):
    """Add to the filters of ``count`` outputs and all ``maps``, from dweight[first] on, what the gradients of their
    planes come to, the sum of ``slots`` that lie ``slot`` apart."""
    area = taps * taps
    size = area * LANES
    lines = work[PIECE * size + LANES * LANES :]
    turned = lines[6 * 6 * LANES + 6 * taps * LANES :]
    for k in range(0, count, LANES):
        some = min(LANES, count - k)
        for c0 in range(0, maps, PIECE):
            c1 = min(maps, c0 + PIECE)
            for c in range(c0, c1):
                at = start + c * WIDE + k
                for q in range(36):
                    total = load(u, at + q * plane)
                    for s in range(1, slots):
                        total = total + load(u, at + q * plane + s * slot)
                    store(total, lines, q * LANES)
                for j in range(6):
                    to = (36 + j) * LANES
                    filter_gradient_line(7 - taps, lines, j * LANES, 6 * LANES, lines, to, 6 * LANES)
                for i in range(taps):
                    to = (c - c0) * size + i * taps * LANES
                    filter_gradient_line(7 - taps, lines, (36 + 6 * i) * LANES, LANES, work, to, LANES)
            n = (c1 - c0) * area
            for j in range(0, n, LANES):
                transpose_out(work, j * LANES, LANES, turned, 0, LANES, LANES, LANES)
                for i in range(some):
                    to = first + (k + i) * maps * area + c0 * area + j
                    before = load_first(dweight, to, n - j)
                    store_first(before + load(turned, i * LANES), dweight, to, n - j)
