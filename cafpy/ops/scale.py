"""Every channel times a factor plus a shift, and the gradients.

x, y and their gradients are a × c × b (items × channels × positions); factor, shift and their gradients have c
entries. What is None does not take part. To work in place, pass one array object for both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cafpy.backend import Array
from cafpy.ops.channels import absent, numbers, summing, threads_for
from cafpy.ops.kernel.threaded import NO_INDICES, threaded
from cafpy.ops.routine import routine


@routine
def scale(xp: Any, x: Array, factor: Array | None, shift: Array | None, kept: Array | None, y: Array) -> None:
    """y[:, c] = x[:, c] · factor[c] + shift[c]; ``kept`` gets a copy of x, which y may overwrite."""
    if kept is not None:
        kept[...] = x
    if factor is not None:
        xp.multiply(x, factor[:, None], out=y)
    elif y is not x:
        y[...] = x
    if shift is not None:
        y += shift[:, None]


@routine
def scale_backward(
    xp: Any,
    x: Array | None,
    factor: Array | None,
    dy: Array,
    dfactor: Array | None,
    dshift: Array | None,
    dx: Array | None,
) -> None:
    """dx = dy · factor; dfactor += Σ dy · x; dshift += Σ dy. x is asked for with dfactor only; dx may be dy."""
    if dfactor is not None:
        dfactor += xp.sum(dy * x, axis=(0, 2), dtype=xp.float64)
    if dshift is not None:
        dshift += xp.sum(dy, axis=(0, 2), dtype=xp.float64)
    if dx is not None:
        if factor is not None:
            xp.multiply(dy, factor[:, None], out=dx)
        elif dx is not dy:
            dx[...] = dy


@scale.body("numba")
def _scale(x: Array, factor: Array | None, shift: Array | None, kept: Array | None, y: Array) -> None:
    if x.shape[2] == 1:  # whole rows of channels are one vector operation in NumPy
        scale.plain(np, x, factor, shift, kept, y)
        return
    arrays = [absent(x.dtype) if a is None else a for a in (factor, shift, kept)]
    _scale_channels(threads_for(x), numbers(x.shape, y is x), NO_INDICES, x, *arrays, y)


@scale_backward.body("numba")
def _scale_backward(
    x: Array | None, factor: Array | None, dy: Array, dfactor: Array | None, dshift: Array | None, dx: Array | None
) -> None:
    if dfactor is None and dshift is None:
        if dx is not None:
            _scale(dy, factor, None, None, dx)
        return
    if dy.shape[2] == 1:
        scale_backward.plain(np, x, factor, dy, dfactor, dshift, dx)
        return
    sums = np.empty((2, dy.shape[1]), dy.dtype)
    arrays = [absent(dy.dtype) if a is None else a for a in (x, factor, dx)]
    _scale_channels_backward(threads_for(dy), numbers(dy.shape, dx is dy), NO_INDICES, dy, *arrays, sums)
    if dshift is not None:
        dshift += sums[0]
    if dfactor is not None:
        dfactor += sums[1]


@threaded
def _scale_channels(thread, threads, numbers, indices, x, factor, shift, kept, y):
    # Copies come first and the arithmetic then reads and writes one array, so that no loop meets two arrays that may
    # be one (it would not become SIMD). The copied row is still in the cache.
    items, channels, positions, in_place = numbers
    for c in range(thread * channels // threads, (thread + 1) * channels // threads):
        by = factor[c] if factor.size else x.dtype.type(1)
        plus = shift[c] if shift.size else x.dtype.type(0)
        for n in range(items):
            at = (n * channels + c) * positions
            row, out = x[at : at + positions], y[at : at + positions]
            if kept.size:
                copy = kept[at : at + positions]
                for i in range(row.size):
                    copy[i] = row[i]
            if not in_place:
                for i in range(row.size):
                    out[i] = row[i]
            for i in range(out.size):
                out[i] = out[i] * by + plus


@threaded
def _scale_channels_backward(thread, threads, numbers, indices, dy, x, factor, dx, sums):
    items, channels, positions, in_place = numbers
    for c in range(thread * channels // threads, (thread + 1) * channels // threads):
        by = factor[c] if factor.size else dy.dtype.type(1)
        sum_dy, sum_dy_x = 0.0, 0.0
        for n in range(items):
            at = (n * channels + c) * positions
            above = dy[at : at + positions]
            sum_dy += _sum(above)
            if x.size:
                sum_dy_x += _sum_of_products(above, x[at : at + positions])
            if dx.size:
                out = dx[at : at + positions]
                if not in_place:  # see _scale_channels
                    for i in range(out.size):
                        out[i] = above[i]
                for i in range(out.size):
                    out[i] *= by
        sums[c] = sum_dy
        sums[channels + c] = sum_dy_x


@summing
def _sum(x):
    total = 0.0
    for i in range(x.size):
        total += np.float64(x[i])
    return total


@summing
def _sum_of_products(x, y):
    total = 0.0
    for i in range(x.size):
        total += np.float64(x[i] * y[i])
    return total
