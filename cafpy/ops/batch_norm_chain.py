"""Channels normalised, scaled and passed through a ReLU, as one: two passes over memory in each direction, or one where
a channel of all images fits in a core's cache.

x, y, kept and their gradients are a × c × b (items × channels × positions). To work in place, pass one array object for
both. A ReLU is act(v) = v where v > 0, else slope · v; with slope 1 there is none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from cafpy.backend import Array
from cafpy.ops.batch_norm import moments
from cafpy.ops.channel_rows import gradient_rows, gradient_sums, normalise_rows
from cafpy.ops.channels import absent, threads_for
from cafpy.ops.kernel.threaded import NO_INDICES, threaded
from cafpy.ops.routine import routine

FORWARD_ROWS, BACKWARD_ROWS = 5, 8  # of the tables


@routine
def normalise_scale(
    xp: Any, x: Array, statistics: Array, table: Array, constant: bool, kept: Array | None, y: Array
) -> None:
    """y = act(v · factor + shift), where v is x normalised in each channel; ``kept``, if given, becomes v.

    ``statistics`` is 3 × c: mean, variance and f = 1 / (sqrt(variance + eps) + more) of each channel, which are
    written, and v = (x - mean) · f. Where they are ``constant``, v = x · row 2 + row 0 instead. ``table`` is 5 × c:
    factor, shift, slope, eps, more.
    """
    factor, shift, slope = (row[:, None] for row in table[:3])
    if constant:
        v = x * statistics[2][:, None] + statistics[0][:, None]
    else:
        statistics[0] = xp.mean(x, axis=(0, 2), dtype=xp.float64)
        deviation = x - statistics[0][:, None]
        statistics[1] = xp.mean(xp.square(deviation), axis=(0, 2), dtype=xp.float64)
        statistics[2] = 1 / (xp.sqrt(statistics[1] + table[3]) + table[4])
        v = deviation * statistics[2][:, None]
    if kept is not None:
        kept[...] = v
    v = v * factor + shift
    y[...] = xp.where(v > 0, v, slope * v)


@routine
def normalise_scale_backward(xp: Any, source: Array, table: Array, constant: bool, dy: Array, dx: Array) -> None:
    """dx, the gradient of :func:`normalise_scale`, and the sums that are the gradients of its factor and shift.

    ``table`` is 8 × c: minus, by, plus, factor, shift, slope, outer, inner. v = (source - minus) · by + plus and g = dy
    where v · factor + shift > 0, else slope · dy. Then dx = outer · (g - mean of g - v · mean of (g · v)), or, where
    statistics are ``constant``, dx = outer · g. Row 0 becomes Σ g, row 1 Σ g · v. dx may be dy; where it is not, dy
    becomes inner · g, which is what layers that work in place on the top leave there.
    """
    minus, by, plus, factor, shift, slope, outer, inner = (row[:, None] for row in table)
    v = (source - minus) * by + plus
    g = xp.where(v * factor + shift > 0, dy, slope * dy)
    sum_g = xp.sum(g, axis=(0, 2), dtype=xp.float64)
    sum_g_v = xp.sum(g * v, axis=(0, 2), dtype=xp.float64)
    if dx is not dy:
        dy[...] = inner * g
    if constant:
        dx[...] = outer * g
    else:
        count = dy.shape[0] * dy.shape[2]
        mean_g, mean_g_v = (sum_g / count).astype(dy.dtype), (sum_g_v / count).astype(dy.dtype)
        dx[...] = outer * (g - mean_g[:, None] - v * mean_g_v[:, None])
    table[0], table[1] = sum_g, sum_g_v


@lru_cache(maxsize=1024)
def _numbers(shape: tuple[int, int, int], in_place: bool, constant: bool) -> Array:
    return np.array([*shape, in_place, constant], np.int64)


@normalise_scale.body("numba")
def _forward(x: Array, statistics: Array, table: Array, constant: bool, kept: Array | None, y: Array) -> None:
    if x.shape[2] == 1:  # whole rows of channels are one vector operation in NumPy
        normalise_scale.plain(np, x, statistics, table, constant, kept, y)
        return
    kept = absent(x.dtype) if kept is None else kept
    _normalise_scale(threads_for(x), _numbers(x.shape, y is x, constant), NO_INDICES, x, statistics, table, kept, y)


@normalise_scale_backward.body("numba")
def _backward(source: Array, table: Array, constant: bool, dy: Array, dx: Array) -> None:
    if dy.shape[2] == 1:
        normalise_scale_backward.plain(np, source, table, constant, dy, dx)
        return
    _normalise_scale_backward(
        threads_for(dy), _numbers(dy.shape, dx is dy, constant), NO_INDICES, source, table, dy, dx
    )


@threaded
def _normalise_scale(thread, threads, numbers, indices, x, statistics, table, kept, y):
    items, channels, positions, constant = numbers[0], numbers[1], numbers[2], numbers[4]
    stride = channels * positions
    for c in range(thread * channels // threads, (thread + 1) * channels // threads):
        factor, shift, slope = table[c], table[channels + c], table[2 * channels + c]
        at = c * positions
        if constant:
            minus, plus = x.dtype.type(0), statistics[c]
        else:
            eps, more = table[3 * channels + c], table[4 * channels + c]
            moments(x, at, items, stride, positions, eps, more, statistics, c, channels)
            minus, plus = statistics[c], x.dtype.type(0)
        by, keep = statistics[2 * channels + c], kept.size > 0
        normalise_rows(x, at, items, stride, positions, minus, by, plus, factor, shift, slope, kept, keep, y)


@threaded
def _normalise_scale_backward(thread, threads, numbers, indices, source, table, dy, dx, unused):
    items, channels, positions, in_place, constant = numbers
    stride = channels * positions
    for c in range(thread * channels // threads, (thread + 1) * channels // threads):
        minus, by, plus = table[c], table[channels + c], table[2 * channels + c]
        factor, shift, slope = table[3 * channels + c], table[4 * channels + c], table[5 * channels + c]
        outer, inner = table[6 * channels + c], table[7 * channels + c]
        at = c * positions
        sum_g, sum_g_v = gradient_sums(source, at, items, stride, positions, minus, by, plus, factor, shift, slope, dy)
        table[c], table[channels + c] = sum_g, sum_g_v
        mean_g = dy.dtype.type(0 if constant else sum_g / (items * positions))
        mean_g_v = dy.dtype.type(0 if constant else sum_g_v / (items * positions))
        gradient_rows(
            source, at, items, stride, positions, minus, by, plus, factor, shift, slope,
            outer, inner, mean_g, mean_g_v, dy, in_place == 0, dx,
        )  # fmt: skip
