"""What `cafpy.ops.convolution_weight_kernels` multiplies: panels of the outputs' gradient, and padded rows of maps."""

from __future__ import annotations

from cafpy.ops.chunks import kernel
from cafpy.ops.lane_product import WIDE
from cafpy.ops.lanes import LANES, all_lanes, load_first, store, transpose_in
from cafpy.ops.lanes_math import fetch


@kernel
def turn(dy, outputs, pixels, n0, n1, p0, p1, run, first, count, panel):
    """The panel of ``count`` outputs from ``first`` on of windows p0 to p1 of images n0 to n1, ``run`` windows of each
    image after the other; up to LANES windows beyond are overwritten."""
    at = 0
    for start in range(p0, p1, run):
        for n in range(n0, n1):
            for j in range(0, run, LANES):
                for k in range(0, count, LANES):
                    source = (n * outputs + first + k) * pixels + start + j
                    transpose_in(dy, source, pixels, count - k, run - j, panel, (at + j) * WIDE + k, WIDE)
            at += run


@kernel
def pad_rows(x, maps, n0, n1, c0, c1, top, rows, h, w, pad, phases, sh, positions, width, lines):
    """Rows from ``top`` on of maps c0 to c1, each ``width`` long with its padding: those of equal number modulo ``sh``
    together (of the first only, where ``phases`` is 1), in them one row of all images after the other."""
    n, zero = n1 - n0, all_lanes(x.dtype.type(0))
    length = min(w, width - pad)
    for c in range(c0, c1):
        for phase in range(phases):
            to = ((c - c0) * sh + phase) * positions * n * width
            for y in range(top + phase, top + rows, sh):
                there = length if y >= 0 and y < h else 0
                for i in range(n0, n1):
                    at = ((i * maps + c) * h + y) * w
                    # what runs over the end of a row is overwritten by the next
                    for j in range(0, pad, LANES):
                        store(zero, lines, to + j)
                    for j in range(0, width - pad, LANES):
                        fetch(x, at + j + 2 * h * w)  # the map after the next
                        store(load_first(x, at + j, there - j), lines, to + pad + j)
                    to += width
