"""Every channel times a factor plus a shift, and the gradients.

x, y and their gradients are a × c × b (items × channels × positions); factor, shift and their gradients have c
entries. What is None does not take part. To work in place, pass one array object for both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from cafpy.backend import Array
from cafpy.ops.channels import SMALL, absent, all_channels, one_channel
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
    none, none3 = absent(x.dtype)
    _scale_kernel(
        x,
        none if factor is None else factor,
        none if shift is None else shift,
        none3 if kept is None else kept,
        y,
        y is x,
    )


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
    none, none3 = absent(dy.dtype)
    _scale_backward_kernel(
        dy if x is None else x,
        none if factor is None else factor,
        dy,
        none if dfactor is None else dfactor,
        none if dshift is None else dshift,
        none3 if dx is None else dx,
        dx is dy,
    )


@all_channels
def _scale_kernel(x, factor, shift, kept, y, in_place):
    if x.size < SMALL:
        for c in range(x.shape[1]):
            _scale_channel(x, factor, shift, kept, y, in_place, c)
    else:
        for c in prange(x.shape[1]):
            _scale_channel(x, factor, shift, kept, y, in_place, c)


@one_channel
def _scale_channel(x, factor, shift, kept, y, in_place, c):
    # Copies come first and the arithmetic then reads and writes one array, so that no loop meets two arrays that may
    # be one (it would not become SIMD). The copied row is still in the cache.
    one, zero = x.dtype.type(1), x.dtype.type(0)
    by = factor[c] if factor.size else one
    plus = shift[c] if shift.size else zero
    for n in range(x.shape[0]):
        row, out = x[n, c], y[n, c]
        if kept.size:
            copy = kept[n, c]
            for i in range(row.size):
                copy[i] = row[i]
        if not in_place:
            for i in range(row.size):
                out[i] = row[i]
        for i in range(out.size):
            out[i] = out[i] * by + plus


@all_channels
def _scale_backward_kernel(x, factor, dy, dfactor, dshift, dx, in_place):
    if dy.size < SMALL:
        for c in range(dy.shape[1]):
            _scale_backward_channel(x, factor, dy, dfactor, dshift, dx, in_place, c)
    else:
        for c in prange(dy.shape[1]):
            _scale_backward_channel(x, factor, dy, dfactor, dshift, dx, in_place, c)


@one_channel
def _scale_backward_channel(x, factor, dy, dfactor, dshift, dx, in_place, c):
    one = dy.dtype.type(1)
    by = factor[c] if factor.size else one
    sum_dy, sum_dy_x = 0.0, 0.0
    for n in range(dy.shape[0]):
        row, above = x[n, c], dy[n, c]
        for i in range(row.size):
            sum_dy += np.float64(above[i])
            sum_dy_x += np.float64(above[i] * row[i])
        if dx.size:
            out = dx[n, c]
            if not in_place:
                for i in range(row.size):
                    out[i] = above[i]
            for i in range(out.size):
                out[i] *= by
    if dfactor.size:
        dfactor[c] += sum_dy_x
    if dshift.size:
        dshift[c] += sum_dy
