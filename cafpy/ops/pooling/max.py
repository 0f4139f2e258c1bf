"""The largest value of each window, on the CPU.

The numbers that the kernels are given are g of `cafpy.ops.kernel.lines`. A map is read into lines, some rows of windows
at a time.
"""

from __future__ import annotations

import numpy as np

from cafpy.ops.kernel.chunks import CHUNK, SLACK, clear, copy, kernel, largest_chunk
from cafpy.ops.kernel.lines import line_span, line_width, read_lines, tap_offsets
from cafpy.ops.kernel.threaded import threaded

BLOCK = 1 << 12  # elements of a block of windows: with its lines, what an L1 cache holds
FEW_COLUMNS = 4  # with fewer windows in a row, chunks would be all but empty


@kernel
def unpack(numbers):
    """The numbers as g of `cafpy.ops.kernel.lines`, and the rows of windows of a block."""
    m = numbers
    g = (m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9], m[10], m[11])
    return g, max(1, min(m[2], BLOCK // m[3]))


@kernel
def line_size(g, rows):
    """Elements of the lines of so many rows of windows, SLACK included."""
    _, count = line_span(g, 0, rows)
    return count * g[7] * line_width(g) + SLACK


@threaded
def max_forward(thread, threads, numbers, mask, x, y, c, d, e):
    """This thread's share of maps."""
    g, block = unpack(numbers)
    height, width, rows, columns, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w = g[:10]
    maps = y.size // (rows * columns)
    phase, offsets, step = line_width(g), tap_offsets(g), CHUNK // x.itemsize
    lines, best = np.empty(line_size(g, block), x.dtype), np.empty(columns + SLACK, x.dtype)
    # the place of the kernel where each window of a row has its largest value; those that lie in the map first
    places, firsts = np.empty(columns + SLACK, np.int32), np.empty(columns + SLACK, np.int32)
    for j in range(columns):
        firsts[j] = max(0, pad_w - j * stride_w)
    in_map = np.empty(offsets.size, np.int32)  # how far each place of the kernel is from a window's beginning
    for a in range(kernel_h):
        for b in range(kernel_w):
            in_map[a * kernel_w + b] = a * width + b
    for m in range(thread * maps // threads, (thread + 1) * maps // threads):
        if columns < FEW_COLUMNS:
            _scan(x, y, mask, m, g)
            continue
        for row in range(rows):
            top, at = row * stride_h - pad_h, (m * rows + row) * columns
            if row % block == 0:
                above, count = line_span(g, row, min(rows - row, block))
                read_lines(x, m, above, count, g, phase, x.dtype.type(-np.inf), lines)
            a0, a1 = max(0, -top), min(kernel_h, height - top)
            for j in range(columns):
                places[j] = firsts[j] + a0 * kernel_w
            for j in range(0, columns, step):
                source = (top - above) * stride_w * phase + j
                largest_chunk(lines, source, offsets, a0 * kernel_w, (a1 - a0) * kernel_w, best, j, places, j)
            copy(best, 0, y, at, columns)
            corner = top * width - pad_w
            for j in range(columns):
                mask[at + j] = corner + j * stride_w + in_map[places[j]]


@kernel
def _scan(x, y, mask, m, g):
    """Map m, window by window."""
    height, width, rows, columns, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w = g[:10]
    values = x[m * height * width :]
    for row in range(rows):
        top = row * stride_h - pad_h
        for column in range(columns):
            left = column * stride_w - pad_w
            place = max(0, top) * width + max(0, left)
            best = values[place]
            for h in range(max(0, top), min(height, top + kernel_h)):
                for w in range(max(0, left), min(width, left + kernel_w)):
                    value = values[h * width + w]
                    if value > best or value != value:
                        best, place = value, h * width + w
            at = (m * rows + row) * columns + column
            y[at], mask[at] = best, place


@threaded
def max_backward(thread, threads, numbers, mask, dy, dx, c, d, e):
    """This thread's share of maps."""
    pixels, outputs = numbers[0] * numbers[1], numbers[2] * numbers[3]
    maps = dy.size // outputs
    for m in range(thread * maps // threads, (thread + 1) * maps // threads):
        clear(dx, m * pixels, pixels)
        target, above, where = dx[m * pixels :], dy[m * outputs :], mask[m * outputs :]
        for i in range(outputs):
            target[np.uint32(where[i])] += above[i]
