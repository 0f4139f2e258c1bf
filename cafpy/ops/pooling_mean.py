"""The mean of each window, on the CPU. Padding counts as zeros, what is behind it does not count.

The numbers that the kernels are given are g of `cafpy.ops.lines`. A map is read into lines, some rows of windows at a
time.
"""

from __future__ import annotations

import numpy as np

from cafpy.ops.chunks import CHUNK, SLACK, add_product_chunk, clear, copy, kernel, total
from cafpy.ops.lines import add_lines, line_span, line_width, read_lines, spread_rows, tap_offsets, weigh_rows
from cafpy.ops.threaded import threaded

BLOCK = 1 << 12  # elements of a block of windows: with its lines, what an L1 cache holds
FEW_COLUMNS = 4  # with fewer windows in a row, chunks would be all but empty


@kernel
def unpack(numbers):
    """The numbers as g of `cafpy.ops.lines`, and the rows of windows of a block."""
    m = numbers
    g = (m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9], m[10], m[11])
    return g, max(1, min(m[2], BLOCK // m[3]))


@kernel
def line_size(g, rows):
    """Elements of the lines of so many rows of windows, SLACK included."""
    _, count = line_span(g, 0, rows)
    return count * g[7] * line_width(g) + SLACK


@threaded
def mean_forward(thread, threads, numbers, indices, x, y, c, d, e):
    """This thread's share of maps."""
    g, block = unpack(numbers)
    rows, columns = g[2], g[3]
    maps = y.size // (rows * columns)
    width, offsets = line_width(g), tap_offsets(g)
    zero, ones = x.dtype.type(0), np.ones(offsets.size, x.dtype)
    lines, sums = np.empty(line_size(g, block), x.dtype), np.empty(block * (columns + SLACK), x.dtype)
    means, shares = np.empty(columns + SLACK, x.dtype), np.empty(columns + SLACK, x.dtype)
    for m in range(thread * maps // threads, (thread + 1) * maps // threads):
        for row in range(rows):
            at = (m * rows + row) * columns
            _shares(shares, row, g)
            if columns < FEW_COLUMNS:
                _sum(x, m, y, at, row, shares, g)
                continue
            if row % block == 0:
                some = min(rows - row, block)
                above, count = line_span(g, row, some)
                read_lines(x, m, above, count, g, width, zero, lines)
                weigh_rows(lines, g, some, offsets, ones, 0, zero, sums)
            _multiply(sums, row % block * (columns + SLACK), shares, means, 0, columns)
            copy(means, 0, y, at, columns)


@threaded
def mean_backward(thread, threads, numbers, indices, dy, dx, c, d, e):
    """This thread's share of maps."""
    g, block = unpack(numbers)
    rows, columns, plane = g[2], g[3], g[0] * g[1]
    maps = dy.size // (rows * columns)
    width, offsets = line_width(g), tap_offsets(g)
    ones = np.ones(offsets.size, dx.dtype)
    lines, parts = np.empty(line_size(g, block), dx.dtype), np.zeros(block * (columns + SLACK), dx.dtype)
    gradients, shares = np.zeros(columns + SLACK, dx.dtype), np.zeros(columns + SLACK, dx.dtype)
    for m in range(thread * maps // threads, (thread + 1) * maps // threads):
        clear(dx, m * plane, plane)
        for row in range(rows):
            at = (m * rows + row) * columns
            _shares(shares, row, g)
            if columns < FEW_COLUMNS:
                _spread(dy, at, dx, m, row, shares, g)
                continue
            copy(dy, at, gradients, 0, columns)
            _multiply(gradients, 0, shares, parts, row % block * (columns + SLACK), columns)
            if row % block == block - 1 or row == rows - 1:
                above, count = line_span(g, row - row % block, row % block + 1)
                clear(lines, 0, count * g[7] * width)
                spread_rows(parts, g, row % block + 1, offsets, ones, 0, lines)
                add_lines(lines, dx, m, above, count, g)


@kernel
def _sum(x, m, y, at, row, shares, g):
    """One row of windows of map m, window by window."""
    for column in range(g[3]):
        top, bottom, left, right = _window(row, column, g)
        value = x.dtype.type(0)
        for h in range(top, bottom):
            value += total(x, (m * g[0] + h) * g[1] + left, (m * g[0] + h) * g[1] + right)
        y[at + column] = value * shares[column]


@kernel
def _spread(dy, at, dx, m, row, shares, g):
    """One row of windows of map m, window by window."""
    for column in range(g[3]):
        top, bottom, left, right = _window(row, column, g)
        part = dy[at + column] * shares[column]
        for h in range(top, bottom):
            line = dx[(m * g[0] + h) * g[1] + left : (m * g[0] + h) * g[1] + right]
            for i in range(line.size):
                line[i] += part


@kernel
def _window(row, column, g):
    """Where a window lies in the map: rows top to bottom, columns left to right."""
    top, left = row * g[6] - g[8], column * g[7] - g[9]
    return max(0, top), min(g[0], top + g[4]), max(0, left), min(g[1], left + g[5])


@kernel
def _shares(shares, row, g):
    """One over the size of each window of this row; for most rows that of the row before."""
    high = window_length(row, g[4], g[6], g[0], g[8])
    if row == 0 or high != window_length(row - 1, g[4], g[6], g[0], g[8]):
        for j in range(g[3]):
            shares[j] = shares.dtype.type(1) / shares.dtype.type(high * window_length(j, g[5], g[7], g[1], g[9]))


@kernel
def window_length(window, kernel_size, stride, size, pad):
    """How long the window is: padding counts, what is behind it does not."""
    start = window * stride - pad
    return min(start + kernel_size, size + pad) - start


@kernel
def _multiply(a, i, b, to, j, count):
    """to[j : j + count] = a[i : i + count] · b, and some of what follows."""
    step = CHUNK // a.itemsize
    clear(to, j, (count - 1) // step * step + step)
    for t in range(0, count, step):
        add_product_chunk(a, i + t, b, t, to, j + t)
