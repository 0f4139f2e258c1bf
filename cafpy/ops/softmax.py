"""Softmax along one axis, and its gradient.

Arrays are seen as outer × classes × inner: the axis in the middle, all axes before it and all after it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import get_num_threads, njit, prange

from cafpy.backend import Array
from cafpy.ops.kernel.threaded import NO_INDICES, Threaded, threaded
from cafpy.ops.kernel.vector_math import exp
from cafpy.ops.routine import routine

TILE = 128  # inner positions that a thread takes at once, so that their maxima and sums stay in its L1 cache
SMALL = 1 << 13  # elements that are not worth waking threads for


@routine
def softmax(xp: Any, x: Array, out: Array) -> None:
    """out = exp(x - max x) / Σ exp(x - max x) over axis 1 of x, outer × classes × inner; ``out`` may be ``x``."""
    e = xp.exp(x - x.max(axis=1, keepdims=True))
    out[...] = e / e.sum(axis=1, keepdims=True)


@softmax.body("numba")
def _(x: Array, out: Array) -> None:
    if x.shape[2] == 1:
        _run_rows(_softmax_rows, x, out)
    else:
        _softmax_tiles(x, out)


@routine
def softmax_backward(xp: Any, dy: Array, y: Array, dx: Array) -> None:
    """dx = y (dy - Σ dy y), sums over axis 1; all outer × classes × inner; ``dx`` may be ``dy``."""
    dx[...] = y * (dy - (dy * y).sum(axis=1, keepdims=True))


@softmax_backward.body("numba")
def _(dy: Array, y: Array, dx: Array) -> None:
    if y.shape[2] == 1:
        _run_rows(_backward_rows, y, dy, dx)
    else:
        _backward_tiles(dy, y, dx)


def _run_rows(kernel: Threaded, x: Array, *others: Array) -> None:
    threads = 1 if x.size <= SMALL else get_num_threads()
    kernel(threads, np.array(x.shape[:2], np.int64), NO_INDICES, x, *others)


@njit
def _largest(row):
    """By quarters, as each comparison waits for the one before it. What a NaN does here does not matter: all results
    of its row are NaN."""
    quarter = row.size // 4
    a = b = c = d = row[0]
    for i in range(quarter):
        a, b = max(a, row[i]), max(b, row[quarter + i])
        c, d = max(c, row[2 * quarter + i]), max(d, row[3 * quarter + i])
    for i in range(4 * quarter, row.size):
        a = max(a, row[i])
    return max(max(a, b), max(c, d))


# reassoc lets LLVM add in SIMD lanes
@njit(fastmath={"reassoc", "nsz"})
def _sum(row):
    total = row.dtype.type(0)
    for i in range(row.size):
        total += row[i]
    return total


@njit(fastmath={"reassoc", "nsz"})
def _dot(a, b):
    total = a.dtype.type(0)
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@njit(error_model="numpy")
def _softmax_row(x, out):
    largest = _largest(x)
    for i in range(x.size):
        out[i] = exp(x[i] - largest)
    factor = x.dtype.type(1) / _sum(out)
    for i in range(x.size):
        out[i] *= factor


@threaded
def _softmax_rows(thread, threads, numbers, indices, x, out, c, d, e):
    """``numbers``: rows, elements of each; so in `_backward_rows`."""
    rows, width = numbers
    for row in range(thread * rows // threads, (thread + 1) * rows // threads):
        _softmax_row(x[row * width : (row + 1) * width], out[row * width : (row + 1) * width])


# Indices are unsigned: Numba does not vectorise over one that could be negative.
@njit(error_model="numpy")
def _softmax_tile(x, out, start, stop):
    """Of one item, classes × inner, the inner positions from ``start`` to ``stop``."""
    count, start, classes = np.uintp(stop - start), np.uintp(start), np.uintp(len(x))
    largest, total = np.full(TILE, -np.inf, x.dtype), np.zeros(TILE, x.dtype)
    for c in range(classes):
        for i in range(count):
            largest[i] = max(largest[i], x[c, start + i])
    for c in range(classes):
        for i in range(count):
            e = exp(x[c, start + i] - largest[i])
            out[c, start + i] = e
            total[i] += e
    for c in range(classes):
        for i in range(count):
            out[c, start + i] /= total[i]


@njit(parallel=True, cache=True)
def _softmax_tiles(x, out):
    inner = x.shape[2]
    tiles = (inner + TILE - 1) // TILE
    for part in prange(len(x) * tiles):
        start = part % tiles * TILE
        _softmax_tile(x[part // tiles], out[part // tiles], start, min(start + TILE, inner))


@njit
def _backward_row(dy, y, dx):
    dot = _dot(dy, y)
    for i in range(y.size):
        dx[i] = y[i] * (dy[i] - dot)


@threaded
def _backward_rows(thread, threads, numbers, indices, y, dy, dx, d, e):
    rows, width = numbers
    for row in range(thread * rows // threads, (thread + 1) * rows // threads):
        start, stop = row * width, (row + 1) * width
        _backward_row(dy[start:stop], y[start:stop], dx[start:stop])


@njit
def _backward_tile(dy, y, dx, start, stop):
    count, start, classes = np.uintp(stop - start), np.uintp(start), np.uintp(len(y))
    dots = np.zeros(TILE, y.dtype)
    for c in range(classes):
        for i in range(count):
            dots[i] += dy[c, start + i] * y[c, start + i]
    for c in range(classes):
        for i in range(count):
            dx[c, start + i] = y[c, start + i] * (dy[c, start + i] - dots[i])


@njit(parallel=True, cache=True)
def _backward_tiles(dy, y, dx):
    inner = y.shape[2]
    tiles = (inner + TILE - 1) // TILE
    for part in prange(len(y) * tiles):
        start, item = part % tiles * TILE, part // tiles
        _backward_tile(dy[item], y[item], dx[item], start, min(start + TILE, inner))
