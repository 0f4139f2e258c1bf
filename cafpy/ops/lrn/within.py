"""LRN over the positions around each, on the CPU, in float32.

Some maps at a time are put into a buffer of rows with gaps of zeros between them, so that sums over windows are loops
over all of it that ask for no borders. ``numbers`` and ``options`` are those of `cafpy.ops.lrn.across`.
"""

from __future__ import annotations

import numpy as np

from cafpy.ops.kernel.chunks import clear, kernel
from cafpy.ops.kernel.lanes import LANES, all_lanes, load, load_first, store, store_first
from cafpy.ops.kernel.lanes_math import fetch
from cafpy.ops.kernel.threaded import threaded
from cafpy.ops.lrn.across import powers

BLOCK = 1024  # positions of a buffer at least
AHEAD = 512  # positions


@kernel
def _plan(numbers, threads, thread):
    """Maps of this thread, first and last; of a block; elements from row to row, and of all rows of a block, to a
    multiple of LANES; room for what is read around them."""
    planes, height, width, half = numbers[0] * numbers[1], numbers[2], numbers[3], numbers[4]
    pitch, first, stop = width + half, thread * planes // threads, (thread + 1) * planes // threads
    block = max(1, min(stop - first, BLOCK // (pitch * (height + half))))
    count = -(-block * (height + half) * pitch // LANES) * LANES
    return first, stop, block, pitch, count, half * (pitch + 1) * 2 + LANES


@kernel
def _window_sums(values, count, pitch, half, columns):
    """values[i] = the sum of values[i : …] over a square of 2 · half + 1 rows and columns, for i below ``count``."""
    for i in range(0, count + 2 * half, LANES):
        total = load(values, i)
        for j in range(1, 2 * half + 1):
            total = total + load(values, i + j * pitch)
        store(total, columns, i)
    for i in range(0, count, LANES):
        total = load(columns, i)
        for j in range(1, 2 * half + 1):
            total = total + load(columns, i + j)
        store(total, values, i)


@kernel
def _powers_of(x, plane, planes, numbers, options, count, pitch, s, columns, power):
    """s and s^-beta of some maps, row by row ``pitch`` apart, each map followed by half a window of rows."""
    height, width, half = numbers[2], numbers[3], numbers[4]
    clear(s, 0, s.size)
    at, to = plane * height * width, half * (pitch + 1)
    for _ in range(planes):
        for _ in range(height):
            for j in range(0, width, LANES):
                fetch(x, at + j + AHEAD)
                value = load_first(x, at + j, width - j)
                store(value * value, s, to + j)
            at += width
            to += pitch
        to += half * pitch
    _window_sums(s, count, pitch, half, columns)
    alpha, k = all_lanes(options[0]), all_lanes(options[2])
    for i in range(0, count, LANES):
        store(k + alpha * load(s, i), s, i)
    powers(s, 0, count, options[1], numbers[5], power)


@threaded
def within_forward(thread, threads, numbers, indices, x, y, options, unused, unused_too):
    height, width, half = numbers[2], numbers[3], numbers[4]
    first, stop, block, pitch, count, more = _plan(numbers, threads, thread)
    s, columns = np.empty(count + more, x.dtype), np.zeros(count + more, x.dtype)
    power = np.empty(count + LANES, x.dtype)
    for plane in range(first, stop, block):
        planes = min(block, stop - plane)
        _powers_of(x, plane, planes, numbers, options, count, pitch, s, columns, power)
        at, source = plane * height * width, 0
        for _ in range(planes):
            for _ in range(height):
                for j in range(0, width, LANES):
                    fetch(y, at + j + AHEAD)
                    value = load_first(x, at + j, width - j) * load(power, source + j)
                    store_first(value, y, at + j, width - j)
                at += width
                source += pitch
            source += half * pitch


@threaded
def within_backward(thread, threads, numbers, indices, dy, x, dx, options, unused):
    height, width, half = numbers[2], numbers[3], numbers[4]
    first, stop, block, pitch, count, more = _plan(numbers, threads, thread)
    s, columns = np.empty(count + more, x.dtype), np.zeros(count + more, x.dtype)
    power, terms = np.empty(count + LANES, x.dtype), np.empty(count + more, x.dtype)
    factor = all_lanes(2 * options[0] * options[1])
    for plane in range(first, stop, block):
        planes = min(block, stop - plane)
        _powers_of(x, plane, planes, numbers, options, count, pitch, s, columns, power)
        clear(terms, 0, terms.size)
        at, source, to = plane * height * width, 0, half * (pitch + 1)
        for _ in range(planes):
            for _ in range(height):
                for j in range(0, width, LANES):
                    fetch(dy, at + j + AHEAD)
                    product = load_first(dy, at + j, width - j) * load_first(x, at + j, width - j)
                    store(product * load(power, source + j) / load(s, source + j), terms, to + j)
                at += width
                source += pitch
                to += pitch
            source += half * pitch
            to += half * pitch
        _window_sums(terms, count, pitch, half, columns)
        at, source = plane * height * width, 0
        for _ in range(planes):
            for _ in range(height):
                for j in range(0, width, LANES):
                    left = width - j
                    fetch(dx, at + j + AHEAD)
                    own = load_first(dy, at + j, left) * load(power, source + j)
                    value = own - factor * load_first(x, at + j, left) * load(terms, source + j)
                    store_first(value, dx, at + j, left)
                at += width
                source += pitch
            source += half * pitch
