"""Channels brought to mean 0 and variance 1, and the gradient.

x, y, kept and their gradients are a × c × b (items × channels × positions); ``statistics`` is 3 × c: mean, variance and
factor of each channel. To work in place, pass one array object for both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from cafpy.backend import Array
from cafpy.ops.channel_rows import sum_and_squares
from cafpy.ops.channels import absent, numbers, summing, threads_for
from cafpy.ops.kernel.threaded import NO_INDICES, NO_NUMBERS, threaded
from cafpy.ops.routine import routine


@routine
def normalise(xp: Any, x: Array, eps: Array, statistics: Array, kept: Array | None, y: Array) -> None:
    """y = (x - mean) · factor with factor = 1 / (sqrt(variance + eps[0]) + eps[1]), of each channel.

    ``statistics`` is written (the variance is divided by a·b), and ``kept``, where it is given, becomes a copy of y.
    Sums are added in double precision.
    """
    mean, variance, factor = statistics[0], statistics[1], statistics[2]
    mean[...] = xp.mean(x, axis=(0, 2), dtype=xp.float64)
    deviation = x - mean[:, None]
    variance[...] = xp.mean(xp.square(deviation), axis=(0, 2), dtype=xp.float64)
    factor[...] = 1 / (xp.sqrt(variance + eps[0]) + eps[1])
    xp.multiply(deviation, factor[:, None], out=y)
    if kept is not None:
        kept[...] = y


@routine
def normalise_backward(xp: Any, x: Array | None, statistics: Array, kept: Array | None, dy: Array, dx: Array) -> None:
    """dx = factor · (dy - mean of dy - y · mean of (dy · y)), the gradient of :func:`normalise`.

    y is ``kept``, or computed again from x where that is None. dx may be dy. With eps[1] > 0 the last term should be
    larger by (sqrt(variance) + eps[1]) / sqrt(variance); Caffe leaves this out, as eps[1] is meant to be tiny.
    (Ioffe and Szegedy, Batch Normalization, 2015.)
    """
    mean, factor = statistics[0][:, None], statistics[2][:, None]
    y = (x - mean) * factor if kept is None else kept
    mean_dy = xp.mean(dy, axis=(0, 2), dtype=xp.float64).astype(dy.dtype)
    mean_dy_y = xp.mean(dy * y, axis=(0, 2), dtype=xp.float64).astype(dy.dtype)
    dx[...] = factor * (dy - mean_dy[:, None] - y * mean_dy_y[:, None])


@routine
def running_scale(xp: Any, means: Array, variances: Array, weight: Array, eps: Array, statistics: Array) -> None:
    """``statistics`` from running sums and the one number that both are divided by (0 if nothing is in them yet):
    factor = 1 / sqrt(variance + eps[0]), and in place of the mean -mean · factor, so that y = x · factor + that."""
    mean, variance, factor = statistics[0], statistics[1], statistics[2]
    empty = weight == 0
    xp.divide(variances, weight + empty, out=variance)
    variance *= ~empty
    xp.divide(means, weight + empty, out=mean)
    mean *= ~empty
    xp.sqrt(variance + eps[0], out=factor)
    xp.divide(1, factor, out=factor)
    mean *= -factor


@running_scale.body("numba")
def _(means: Array, variances: Array, weight: Array, eps: Array, statistics: Array) -> None:
    _running_scale(1, NO_NUMBERS, NO_INDICES, means, variances, weight, eps, statistics)


@threaded
def _running_scale(thread, threads, numbers, indices, means, variances, weight, eps, statistics):
    channels, one = means.size, means.dtype.type(1)
    by = weight[0] if weight[0] != 0 else one
    filled = one if weight[0] != 0 else means.dtype.type(0)
    for c in range(channels):
        variance = variances[c] / by * filled
        factor = one / np.sqrt(variance + eps[0])
        statistics[c] = -(means[c] / by * filled * factor)
        statistics[channels + c] = variance
        statistics[2 * channels + c] = factor


@normalise.body("numba")
def _normalise(x: Array, eps: Array, statistics: Array, kept: Array | None, y: Array) -> None:
    if x.shape[2] == 1:  # whole rows of channels are one vector operation in NumPy
        normalise.plain(np, x, eps, statistics, kept, y)
        return
    kept = absent(x.dtype) if kept is None else kept
    _normalise_channels(threads_for(x), numbers(x.shape, y is x), NO_INDICES, x, eps, statistics, kept, y)


@normalise_backward.body("numba")
def _normalise_backward(x: Array | None, statistics: Array, kept: Array | None, dy: Array, dx: Array) -> None:
    if dy.shape[2] == 1:
        normalise_backward.plain(np, x, statistics, kept, dy, dx)
        return
    arrays = [absent(dy.dtype) if a is None else a for a in (x if kept is None else None, kept)]
    _normalise_channels_backward(threads_for(dy), numbers(dy.shape, dx is dy), NO_INDICES, *arrays, statistics, dy, dx)


@threaded
def _normalise_channels(thread, threads, numbers, indices, x, eps, statistics, kept, y):
    items, channels, positions, in_place = numbers
    for c in range(thread * channels // threads, (thread + 1) * channels // threads):
        moments(x, c * positions, items, channels * positions, positions, eps[0], eps[1], statistics, c, channels)
        mean, factor = statistics[c], statistics[2 * channels + c]
        for n in range(items):
            at = (n * channels + c) * positions
            out = y[at : at + positions]
            if not in_place:  # copied first, for the reason told in _scale_channels
                row = x[at : at + positions]
                for i in range(out.size):
                    out[i] = row[i]
            for i in range(out.size):
                out[i] = (out[i] - mean) * factor
            if kept.size:
                copy = kept[at : at + positions]
                for i in range(out.size):
                    copy[i] = out[i]


@threaded
def _normalise_channels_backward(thread, threads, numbers, indices, x, kept, statistics, dy, dx):
    """y = (x - mean) · factor, or ``kept``; whichever is not there is empty."""
    items, channels, positions, in_place = numbers
    one, zero = dy.dtype.type(1), dy.dtype.type(0)
    source = kept if kept.size else x
    for c in range(thread * channels // threads, (thread + 1) * channels // threads):
        factor = statistics[2 * channels + c]
        minus, by = (zero, one) if kept.size else (statistics[c], factor)
        sum_dy, sum_dy_y = 0.0, 0.0
        for n in range(items):
            at = (n * channels + c) * positions
            sums = _sum_and_products(dy[at : at + positions], source[at : at + positions], minus, by)
            sum_dy += sums[0]
            sum_dy_y += sums[1]
        mean_dy = dy.dtype.type(sum_dy / (items * positions))
        mean_dy_y = dy.dtype.type(sum_dy_y / (items * positions))
        for n in range(items):
            at = (n * channels + c) * positions
            row, out = source[at : at + positions], dx[at : at + positions]
            if not in_place:
                above = dy[at : at + positions]
                for i in range(out.size):
                    out[i] = above[i]
            for i in range(out.size):
                out[i] = factor * (out[i] - mean_dy - (row[i] - minus) * by * mean_dy_y)


@njit(forceinline=True, error_model="numpy")
def moments(x, start, items, stride, positions, eps, more, statistics, c, channels):
    """Of channel c, which begins at ``start`` + n · ``stride`` in each item: mean, variance and factor."""
    # Sums of what differs from the first value: the variance of equal values is 0 exactly.
    first = np.float64(x[start])
    total, squares = sum_and_squares(x, start, items, stride, positions, first)
    offset = total / (items * positions)
    spread = max(squares / (items * positions) - offset * offset, 0.0)
    statistics[c] = first + offset
    statistics[channels + c] = spread
    statistics[2 * channels + c] = 1 / (np.sqrt(spread + eps) + more)


@summing
def _sum_and_products(dy, x, minus, by):
    total, products = 0.0, 0.0
    for i in range(dy.size):
        total += np.float64(dy[i])
        products += np.float64(dy[i] * ((x[i] - minus) * by))
    return total, products
