"""Channels brought to mean 0 and variance 1, and the gradient.

x, y, kept and their gradients are a × c × b (items × channels × positions); mean, variance and factor have c entries.
To work in place, pass one array object for both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from cafpy.backend import Array
from cafpy.ops.channels import SMALL, absent, all_channels, one_channel
from cafpy.ops.routine import routine


@routine
def normalise(
    xp: Any,
    x: Array,
    eps: tuple[float, float],
    mean: Array,
    variance: Array,
    factor: Array,
    kept: Array | None,
    y: Array,
) -> None:
    """y = (x - mean) · factor with factor = 1 / (sqrt(variance + eps[0]) + eps[1]), of each channel.

    mean, variance (divided by a·b) and factor are written, and ``kept``, where it is given, becomes a copy of y. Sums
    are added in double precision.
    """
    mean[...] = xp.mean(x, axis=(0, 2), dtype=xp.float64)
    deviation = x - mean[:, None]
    variance[...] = xp.mean(xp.square(deviation), axis=(0, 2), dtype=xp.float64)
    factor[...] = 1 / (xp.sqrt(variance + eps[0]) + eps[1])
    xp.multiply(deviation, factor[:, None], out=y)
    if kept is not None:
        kept[...] = y


@routine
def normalise_backward(
    xp: Any, x: Array | None, mean: Array, factor: Array, kept: Array | None, dy: Array, dx: Array
) -> None:
    """dx = factor · (dy - mean of dy - y · mean of (dy · y)), the gradient of :func:`normalise`.

    y is ``kept``, or computed again from x where that is None. dx may be dy. With eps[1] > 0 the last term should be
    larger by (sqrt(variance) + eps[1]) / sqrt(variance); Caffe leaves this out, as eps[1] is meant to be tiny.
    (Ioffe and Szegedy, Batch Normalization, 2015.)
    """
    y = (x - mean[:, None]) * factor[:, None] if kept is None else kept
    mean_dy = xp.mean(dy, axis=(0, 2), dtype=xp.float64).astype(dy.dtype)
    mean_dy_y = xp.mean(dy * y, axis=(0, 2), dtype=xp.float64).astype(dy.dtype)
    dx[...] = factor[:, None] * (dy - mean_dy[:, None] - y * mean_dy_y[:, None])


@normalise.body("numba")
def _normalise(
    x: Array, eps: tuple[float, float], mean: Array, variance: Array, factor: Array, kept: Array | None, y: Array
) -> None:
    if x.shape[2] == 1:  # whole rows of channels are one vector operation in NumPy
        normalise.plain(np, x, eps, mean, variance, factor, kept, y)
        return
    if kept is None:
        kept = absent(x.dtype)[1]
    _normalise_kernel(x, eps, mean, variance, factor, kept, y, y is x)


@normalise_backward.body("numba")
def _normalise_backward(x: Array | None, mean: Array, factor: Array, kept: Array | None, dy: Array, dx: Array) -> None:
    if dy.shape[2] == 1:
        normalise_backward.plain(np, x, mean, factor, kept, dy, dx)
        return
    none = absent(dy.dtype)[0]
    if kept is None:
        _normalise_backward_kernel(x, mean, factor, factor, dy, dx, dx is dy)
    else:
        _normalise_backward_kernel(kept, none, none, factor, dy, dx, dx is dy)


@all_channels
def _normalise_kernel(x, eps, mean, variance, factor, kept, y, in_place):
    if x.size < SMALL:
        for c in range(x.shape[1]):
            _normalise_channel(x, eps, mean, variance, factor, kept, y, in_place, c)
    else:
        for c in prange(x.shape[1]):
            _normalise_channel(x, eps, mean, variance, factor, kept, y, in_place, c)


@one_channel
def _normalise_channel(x, eps, mean, variance, factor, kept, y, in_place, c):
    # Sums of what differs from the first value: the variance of equal values is 0 exactly.
    first = np.float64(x[0, c, 0])
    total, squares = 0.0, 0.0
    for n in range(x.shape[0]):
        row = x[n, c]
        for i in range(row.size):
            value = np.float64(row[i]) - first
            total += value
            squares += value * value
    count = x.shape[0] * x.shape[2]
    offset = total / count
    spread = max(squares / count - offset * offset, 0.0)
    mean[c] = first + offset
    variance[c] = spread
    factor[c] = 1 / (np.sqrt(spread + eps[0]) + eps[1])
    minus, by = mean[c], factor[c]
    for n in range(x.shape[0]):
        row, out = x[n, c], y[n, c]
        if not in_place:  # see _scale_channel
            for i in range(row.size):
                out[i] = row[i]
        for i in range(out.size):
            out[i] = (out[i] - minus) * by
        if kept.size:
            copy = kept[n, c]
            for i in range(out.size):
                copy[i] = out[i]


@all_channels
def _normalise_backward_kernel(x, minus, by, factor, dy, dx, in_place):
    if x.size < SMALL:
        for c in range(x.shape[1]):
            _normalise_backward_channel(x, minus, by, factor, dy, dx, in_place, c)
    else:
        for c in prange(x.shape[1]):
            _normalise_backward_channel(x, minus, by, factor, dy, dx, in_place, c)


@one_channel
def _normalise_backward_channel(x, minus, by, factor, dy, dx, in_place, c):
    """y = (x - minus) · by, or x itself where these are empty."""
    one, zero = x.dtype.type(1), x.dtype.type(0)
    m = minus[c] if minus.size else zero
    b = by[c] if by.size else one
    sum_dy, sum_dy_y = 0.0, 0.0
    for n in range(x.shape[0]):
        row, above = x[n, c], dy[n, c]
        for i in range(row.size):
            sum_dy += np.float64(above[i])
            sum_dy_y += np.float64(above[i] * ((row[i] - m) * b))
    count = x.shape[0] * x.shape[2]
    mean_dy = x.dtype.type(sum_dy / count)
    mean_dy_y = x.dtype.type(sum_dy_y / count)
    scaled = factor[c]
    for n in range(x.shape[0]):
        row, above, out = x[n, c], dy[n, c], dx[n, c]
        if not in_place:  # see _scale_channel
            for i in range(row.size):
                out[i] = above[i]
        for i in range(row.size):
            out[i] = scaled * (out[i] - mean_dy - (row[i] - m) * b * mean_dy_y)
