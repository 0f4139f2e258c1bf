"""The mean of windows of any kind, on the CPU, in float32: rows are added sixteen columns at a time, then the columns
of each window one by one, which are few where windows lie far apart. ``numbers`` are g of `cafpy.ops.kernel.lines`."""

from __future__ import annotations

import numpy as np

from cafpy.ops.kernel.lane_windows import load_row, store_row
from cafpy.ops.kernel.lanes import LANES, all_lanes, load, store, store_first
from cafpy.ops.kernel.lanes_math import fetch
from cafpy.ops.kernel.threaded import threaded
from cafpy.ops.pooling.max_lanes import AHEAD
from cafpy.ops.pooling.mean import reaching, shares


@threaded
def mean_of_other(thread, threads, numbers, indices, x, y, c, d, e):
    """This thread's share of maps."""
    height, width, rows, columns, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w = numbers[:10]
    maps, zero = y.size // (rows * columns), all_lanes(np.float32(0))
    down, along = shares(numbers, 0), shares(numbers, 1)
    sums = np.zeros(pad_w + width + kernel_w + stride_w + 2 * LANES, np.float32)  # of a row of windows, zeros around
    for m in range(thread * maps // threads, (thread + 1) * maps // threads):
        for row in range(rows):
            top, at = row * stride_h - pad_h, (m * rows + row) * columns
            first, last = max(0, top), min(height, top + kernel_h)
            for j in range(0, width, LANES):
                total = zero
                for h in range(first, last):
                    fetch(x, (m * height + h) * width + j + AHEAD)
                    total = total + load_row(x, (m * height + h) * width, j, width)
                store(total, sums, pad_w + j)
            if stride_w == 1:
                for j in range(0, columns, LANES):
                    total = zero
                    for b in range(kernel_w):
                        total = total + load(sums, j + b)
                    store_first(down[LANES + row] * (total * load(along, LANES + j)), y, at + j, columns - j)
            else:
                for j in range(columns):
                    value = np.float32(0)
                    for b in range(j * stride_w, j * stride_w + kernel_w):
                        value += sums[b]
                    y[at + j] = down[LANES + row] * (value * along[LANES + j])


@threaded
def mean_of_other_backward(thread, threads, numbers, indices, dy, dx, c, d, e):
    """This thread's share of maps: what each row of windows gives to the columns, then what each of the map gets."""
    height, width, rows, columns = numbers[:4]
    maps, zero = dy.size // (rows * columns), all_lanes(np.float32(0))
    down, along = shares(numbers, 0), shares(numbers, 1)
    pitch = width + LANES
    given = np.zeros(rows * pitch, np.float32)
    above, below = reaching(numbers, 0)
    begin, end = reaching(numbers, 1)
    parts = np.empty(columns + LANES, np.float32)
    for m in range(thread * maps // threads, (thread + 1) * maps // threads):
        for row in range(rows):
            for j in range(0, columns, LANES):
                value = load_row(dy, (m * rows + row) * columns, j, columns)
                store(down[LANES + row] * (value * load(along, LANES + j)), parts, j)
            for w in range(width):
                value = np.float32(0)
                for j in range(begin[w], end[w]):
                    value += parts[j]
                given[row * pitch + w] = value
        for h in range(height):
            for j in range(0, width, LANES):
                total = zero
                for row in range(above[h], below[h]):
                    total = total + load(given, row * pitch + j)
                fetch(dx, (m * height + h) * width + j + AHEAD)
                store_row(total, dx, (m * height + h) * width, j, width)
