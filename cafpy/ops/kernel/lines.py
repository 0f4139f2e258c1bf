"""Rows of a map as kernels want them for windows of any geometry: padded, and for a stride s sorted by column modulo s.

One place of the kernel then meets the windows of a row in contiguous elements: a line has s phases, phase p holds the
columns p - pad, p - pad + s …; place b of the kernel has the windows from element b · dilation // s of phase
b · dilation % s on.

All arrays are flat. `g` is everywhere (height, width, rows and columns of windows, kernel h, w, stride h, w, pad h, w,
dilation h, w).
"""

from __future__ import annotations

import numpy as np

from cafpy.ops.kernel.chunks import CHUNK, SLACK, add_scaled_chunk, copy, fill, kernel, weighted_chunk

_u = np.uint64  # an index that Numba knows to be positive


@kernel
def line_width(g):
    """Elements of one phase of a line: windows of a row, how far the kernel reaches beyond them, and SLACK, because
    processors dislike to load what overlaps with what they have just stored."""
    return g[3] + (g[5] - 1) * g[11] // g[7] + SLACK


@kernel
def line_span(g, row, rows):
    """Of ``rows`` rows of windows from ``row`` on: the first line, as a row of the map, and the number of lines."""
    return row * g[6] - g[8], (rows - 1) * g[6] + (g[4] - 1) * g[10] + 1


@kernel
def tap_offsets(g):
    """Where in the lines window 0 has each place of the kernel (int32)."""
    width, line = line_width(g), line_width(g) * g[7]
    offsets = np.empty(g[4] * g[5], np.int32)
    for a in range(g[4]):
        for b in range(g[5]):
            offsets[a * g[5] + b] = a * g[10] * line + b * g[11] % g[7] * width + b * g[11] // g[7]
    return offsets


@kernel
def read_lines(x, m, top, count, g, width, outside, lines):
    """``count`` rows from ``top`` on of map ``m``, counted over all images; around the map lies ``outside``.

    ``width``: of a phase, :func:`line_width` or less by SLACK.
    """
    h, w, _, _, _, _, _, sw, _, pw, _, _ = g
    for phase in range(sw):
        offset = phase - pw
        first = min(width, max(0, (sw - 1 - offset) // sw))
        last = max(first, min(width, (w - 1 - offset) // sw + 1))
        source = (m * h + top) * w + first * sw + offset
        at = phase * width
        for row in range(top, top + count):
            if row < 0 or row >= h:
                fill(lines, at, width, outside)
            else:
                fill(lines, at, first, outside)
                if sw == 1:
                    copy(x, source, lines, at + first, last - first)
                else:
                    for j in range(_u(last - first)):
                        lines[_u(at + first) + j] = x[_u(source) + j * _u(sw)]
                fill(lines, at + last, width - last, outside)
            source += w
            at += sw * width


@kernel
def add_lines(lines, x, m, top, count, g):
    """Add to map ``m`` what :func:`read_lines` would have read from it."""
    h, w, _, _, _, _, _, sw, _, pw, _, _ = g
    width = line_width(g)
    for phase in range(sw):
        offset = phase - pw
        first = min(width, max(0, (sw - 1 - offset) // sw))
        last = max(first, min(width, (w - 1 - offset) // sw + 1))
        target = (m * h + top) * w + first * sw + offset
        at = phase * width + first
        for row in range(top, top + count):
            if row >= 0 and row < h:
                if sw == 1:
                    for j in range(_u(last - first)):
                        x[_u(target) + j] += lines[_u(at) + j]
                else:
                    for j in range(_u(last - first)):
                        x[_u(target) + j * _u(sw)] += lines[_u(at) + j]
            target += w
            at += sw * width


@kernel
def weigh_rows(lines, g, rows, offsets, weights, first, start, result):
    """``rows`` rows of windows: ``start`` + the sum of weights[first + place] times what each place of the kernel has.

    Rows of ``result`` are a row of windows and SLACK apart.
    """
    step, advance = CHUNK // lines.itemsize, g[6] * g[7] * line_width(g)
    for row in range(rows):
        for j in range(0, g[3], step):
            at = row * (g[3] + SLACK) + j
            weighted_chunk(lines, row * advance + j, offsets, weights, first, offsets.size, start, result, at)


@kernel
def spread_rows(source, g, rows, offsets, weights, first, lines):
    """The transpose of :func:`weigh_rows`: add weights[first + place] times ``source`` to each place of the kernel.

    Rows of ``source`` are a row of windows and SLACK apart, and the SLACK is zeros.
    """
    step, advance = CHUNK // lines.itemsize, g[6] * g[7] * line_width(g)
    for place in range(offsets.size):
        for row in range(rows):
            at, to = row * (g[3] + SLACK), offsets[place] + row * advance
            for j in range(0, g[3], step):
                add_scaled_chunk(weights[first + place], source, at + j, lines, to + j)
