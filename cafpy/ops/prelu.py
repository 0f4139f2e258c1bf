"""Rectifier with learned slopes, and its two gradients.

Arrays are outer × channels × inner; one slope a channel (or one channel, for a slope that all share).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from cafpy.backend import Array
from cafpy.ops.routine import routine


@routine
def prelu(xp: Any, x: Array, slope: Array, out: Array) -> None:
    """out = x where x > 0, else slope of the channel · x; ``out`` may be ``x``."""
    out[...] = xp.where(x > 0, x, slope[:, None] * x)


@prelu.body("numba")
def _(x: Array, slope: Array, out: Array) -> None:
    planes = (len(x) * len(slope), -1)
    if x.size:
        _forward(x.reshape(planes), slope, out.reshape(planes))


@routine
def prelu_backward_data(xp: Any, dy: Array, x: Array, slope: Array, dx: Array) -> None:
    """dx = dy where x > 0, else slope of the channel · dy; ``dx`` may be ``dy``."""
    dx[...] = xp.where(x > 0, dy, slope[:, None] * dy)


@prelu_backward_data.body("numba")
def _(dy: Array, x: Array, slope: Array, dx: Array) -> None:
    planes = (len(x) * len(slope), -1)
    if x.size:
        _backward_data(dy.reshape(planes), x.reshape(planes), slope, dx.reshape(planes))


@routine
def prelu_backward_slope(xp: Any, dy: Array, x: Array, dslope: Array) -> None:
    """dslope += Σ dy · x over all x ≤ 0 of the channel."""
    dslope += xp.where(x > 0, 0, dy * x).sum(axis=(0, 2))


@prelu_backward_slope.body("numba")
def _(dy: Array, x: Array, dslope: Array) -> None:
    planes = (len(x) * len(dslope), -1)
    if x.size:
        dslope += _sums(dy.reshape(planes), x.reshape(planes)).reshape(len(x), -1).sum(axis=0)


@njit(parallel=True, cache=True)
def _forward(x, slope, out):
    for plane in prange(len(x)):
        s = slope[plane % slope.size]
        for i in range(x.shape[1]):
            out[plane, i] = x[plane, i] if x[plane, i] > 0 else s * x[plane, i]


@njit(parallel=True, cache=True)
def _backward_data(dy, x, slope, dx):
    for plane in prange(len(x)):
        s = slope[plane % slope.size]
        for i in range(x.shape[1]):
            dx[plane, i] = dy[plane, i] if x[plane, i] > 0 else s * dy[plane, i]


# reassoc lets LLVM add in SIMD lanes
@njit(fastmath={"reassoc", "nsz"})
def _sum(dy, x):
    total = x.dtype.type(0)
    for i in range(x.size):
        total += dy[i] * x[i] if x[i] <= 0 else x.dtype.type(0)
    return total


@njit(parallel=True, cache=True)
def _sums(dy, x):
    totals = np.empty(len(x), x.dtype)
    for plane in prange(len(x)):
        totals[plane] = _sum(dy[plane], x[plane])
    return totals
