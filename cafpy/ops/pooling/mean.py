"""The mean of each of the most common windows (`cafpy.ops.pooling.max_lanes`), and of whole maps, on the CPU,
in float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from cafpy.ops.kernel.chunks import kernel, variant
from cafpy.ops.kernel.lane_windows import interleaved_high, interleaved_low, load_row, store_row, sum_lanes, summed
from cafpy.ops.kernel.lanes import LANES, all_lanes, load, load_first, store_first
from cafpy.ops.kernel.lanes_math import fetch
from cafpy.ops.kernel.threaded import threaded
from cafpy.ops.pooling.max_lanes import AHEAD


@kernel
def window_length(window, kernel_size, stride, size, pad):
    """How long the window is: padding counts, what is behind it does not."""
    start = window * stride - pad
    return min(start + kernel_size, size + pad) - start


@kernel
def shares(numbers, axis):
    """One over the length of each window along an axis, from element LANES on; zeros around them."""
    size, windows, kernel_size, stride, pad = numbers[axis : axis + 10 : 2]
    shares = np.zeros(windows + 3 * LANES, np.float32)
    for j in range(windows):
        shares[LANES + j] = np.float32(1) / np.float32(window_length(j, kernel_size, stride, size, pad))
    return shares


@kernel
def reaching(numbers, axis):
    """The first of the windows along an axis that reach each row (0) or column (1) of the map, and the one after their
    last."""
    size, windows, kernel_size, stride, pad = numbers[axis : axis + 10 : 2]
    first, last = np.empty(size, np.int64), np.empty(size, np.int64)
    for i in range(size):
        first[i] = max(0, (i + pad - kernel_size + stride) // stride)
        last[i] = min(windows, (i + pad) // stride + 1)
    return first, last


def _means(kernel_h: int, kernel_w: int, stride_w: int) -> Any:
    sums_of_windows = summed(kernel_h, kernel_w, stride_w)

    def means(x, start, stop, numbers, y):
        """Maps from start to stop, sixteen windows at a time."""
        height, width, rows, columns = numbers[0], numbers[1], numbers[2], numbers[3]
        stride_h, pad_h, pad_w = numbers[6], numbers[8], numbers[9]
        down, along = shares(numbers, 0), shares(numbers, 1)
        at = start * rows * columns
        for m in range(start, stop):
            for row in range(rows):
                top = row * stride_h - pad_h
                for j in range(0, width * stride_h, LANES):
                    fetch(x, (m * height + top) * width + AHEAD + j)
                for j in range(0, columns, LANES):
                    total = sums_of_windows(x, m, top, height, j * stride_w - pad_w, width)
                    share = down[LANES + row] * load(along, LANES + j)
                    store_first(total * share, y, at + j, columns - j)
                at += columns

    return variant(means, kernel_h, kernel_w, stride_w)


def _spreads(kernel_h: int, kernel_w: int, stride_w: int) -> Any:
    def spreads(dy, start, stop, numbers, dx):
        """Maps from start to stop: each row of dx is written once, from the rows of windows that reach into it."""
        height, width, rows, columns = numbers[0], numbers[1], numbers[2], numbers[3]
        pad_w = numbers[9]
        zero, down, along = all_lanes(np.float32(0)), shares(numbers, 0), shares(numbers, 1)
        first, last = reaching(numbers, 0)
        first_column, last_column = pad_w // stride_w, (width + pad_w - 1) // stride_w + 1
        at = start * height * width
        for m in range(start, stop):
            for h in range(height):
                for j in range(0, width, LANES):
                    fetch(dx, at + AHEAD + j)
                # windows t to t + 15 begin in columns t · stride - pad and on
                for t in range(first_column, last_column, LANES):
                    here, before, second = zero, zero, zero
                    for row in range(first[h], last[h]):
                        line, share = (m * rows + row) * columns, down[LANES + row]
                        here = here + share * load_row(dy, line, t, columns)
                        if kernel_w > stride_w:
                            before = before + share * load_row(dy, line, t - 1, columns)
                        if kernel_w > 2 * stride_w:
                            second = second + share * load_row(dy, line, t - 2, columns)
                    here = here * load(along, LANES + t)
                    both = here
                    if kernel_w > stride_w:
                        both = both + before * load(along, LANES + t - 1)
                    if kernel_w > 2 * stride_w:
                        both = both + second * load(along, LANES + t - 2)
                    left = t * stride_w - pad_w
                    if stride_w == 1:
                        store_row(both, dx, at, left, width)
                    elif kernel_w == 2:
                        store_row(interleaved_low(here, here), dx, at, left, width)
                        store_row(interleaved_high(here, here), dx, at, left + LANES, width)
                    else:
                        store_row(interleaved_low(both, here), dx, at, left, width)
                        store_row(interleaved_high(both, here), dx, at, left + LANES, width)
                at += width

    return variant(spreads, kernel_h, kernel_w, stride_w)


_means_222, _means_331, _means_332 = _means(2, 2, 2), _means(3, 3, 1), _means(3, 3, 2)
_spreads_222, _spreads_331, _spreads_332 = _spreads(2, 2, 2), _spreads(3, 3, 1), _spreads(3, 3, 2)


# A kernel each, as in `cafpy.ops.pooling.max_lanes`: this thread's share of maps.


@threaded
def _mean_222(thread, threads, numbers, indices, x, y, c, d, e):
    maps = y.size // (numbers[2] * numbers[3])
    _means_222(x, thread * maps // threads, (thread + 1) * maps // threads, numbers, y)


@threaded
def _mean_331(thread, threads, numbers, indices, x, y, c, d, e):
    maps = y.size // (numbers[2] * numbers[3])
    _means_331(x, thread * maps // threads, (thread + 1) * maps // threads, numbers, y)


@threaded
def _mean_332(thread, threads, numbers, indices, x, y, c, d, e):
    maps = y.size // (numbers[2] * numbers[3])
    _means_332(x, thread * maps // threads, (thread + 1) * maps // threads, numbers, y)


@threaded
def _mean_222_backward(thread, threads, numbers, indices, dy, dx, c, d, e):
    maps = dy.size // (numbers[2] * numbers[3])
    _spreads_222(dy, thread * maps // threads, (thread + 1) * maps // threads, numbers, dx)


@threaded
def _mean_331_backward(thread, threads, numbers, indices, dy, dx, c, d, e):
    maps = dy.size // (numbers[2] * numbers[3])
    _spreads_331(dy, thread * maps // threads, (thread + 1) * maps // threads, numbers, dx)


@threaded
def _mean_332_backward(thread, threads, numbers, indices, dy, dx, c, d, e):
    maps = dy.size // (numbers[2] * numbers[3])
    _spreads_332(dy, thread * maps // threads, (thread + 1) * maps // threads, numbers, dx)


MEAN_KERNELS = {
    (2, 2, 2): (_mean_222, _mean_222_backward),
    (3, 3, 1): (_mean_331, _mean_331_backward),
    (3, 3, 2): (_mean_332, _mean_332_backward),
}


@threaded
def mean_of_maps(thread, threads, numbers, indices, x, y, c, d, e):
    """One window over each map."""
    pixels = x.size // y.size
    share = np.float32(1) / np.float32(pixels)
    for m in range(thread * y.size // threads, (thread + 1) * y.size // threads):
        at, total = m * pixels, all_lanes(np.float32(0))
        for i in range(0, pixels, LANES):
            fetch(x, at + AHEAD + i)
            total = total + load_first(x, at + i, pixels - i)
        y[m] = sum_lanes(total) * share


@threaded
def mean_of_maps_backward(thread, threads, numbers, indices, dy, dx, c, d, e):
    """One window over each map."""
    pixels = dx.size // dy.size
    share = np.float32(1) / np.float32(pixels)
    for m in range(thread * dy.size // threads, (thread + 1) * dy.size // threads):
        at, part = m * pixels, all_lanes(dy[m] * share)
        for i in range(0, pixels, LANES):
            fetch(dx, at + AHEAD + i)
            store_first(part, dx, at + i, pixels - i)
