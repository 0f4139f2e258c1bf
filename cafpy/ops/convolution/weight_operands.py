"""What `cafpy.ops.convolution.weight_kernels` multiplies: panels of the outputs' gradient, and padded rows of maps."""

from __future__ import annotations

from cafpy.ops.kernel.chunks import clear, kernel
from cafpy.ops.kernel.lane_product import WIDE
from cafpy.ops.kernel.lanes import LANES, load_first, store_first, transpose_in
from cafpy.ops.kernel.lanes_math import fetch


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
    n = n1 - n0
    length = min(w, width - pad)
    clear(lines, 0, (c1 - c0) * sh * positions * n * width)
    for c in range(c0, c1):
        for row in range(max(0, -top), min(rows, h - top)):
            phase = row % sh
            if phase < phases:
                to = (((c - c0) * sh + phase) * positions + row // sh) * n * width + pad
                for i in range(n0, n1):
                    at = ((i * maps + c) * h + top + row) * w
                    for j in range(0, length, LANES):
                        fetch(x, at + j + 2 * h * w)  # the map after the next
                        store_first(load_first(x, at + j, length - j), lines, to + j, length - j)
                    to += width
