"""Local response normalisation, y = x · s^-beta with s = k + alpha · (sum of x² over a window), and its gradient.

The window lies along the channels, or is a square of positions in one channel. Its gradient is, with the same windows,
dx = dy · s^-beta - 2 · alpha · beta · x · (sum of dy · x · s^(-beta - 1) over the window).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import get_num_threads, njit

from cafpy.backend import Array
from cafpy.ops.routine import routine
from cafpy.ops.threaded import NO_INDICES, threaded
from cafpy.ops.vector_math import exp, log

TILE = 256  # positions that a thread takes at once across all channels
SMALL = 1 << 13  # elements that are not worth waking threads for


@routine
def lrn(
    xp: Any, x: Array, scale: Array, y: Array, size: int, within: bool, alpha: float, beta: float, k: float
) -> None:
    """Write s to ``scale`` and x · s^-beta to ``y``; all are N×C×H×W.

    The window is ``size`` channels (odd), or with ``within`` size × size positions; it is cut at the borders.
    """
    scale[...] = k + alpha * _window_sum(xp, x * x, size, within)
    y[...] = x * scale**-beta


@routine
def lrn_backward(
    xp: Any, dy: Array, x: Array, scale: Array, dx: Array, size: int, within: bool, alpha: float, beta: float
) -> None:
    """Write the gradient to ``dx``; ``scale`` is that of :func:`lrn`, ``dx`` may be ``dy``."""
    power = scale**-beta
    dx[...] = dy * power - 2 * alpha * beta * x * _window_sum(xp, dy * x * power / scale, size, within)


def _window_sum(xp: Any, values: Array, size: int, within: bool) -> Array:
    for axis in (2, 3) if within else (1,):
        total = xp.zeros_like(values)
        length = values.shape[axis]
        for shift in range(-(size // 2), size // 2 + 1):
            start, stop = max(0, -shift), min(length, length - shift)
            if start < stop:
                target = (slice(None),) * axis + (slice(start, stop),)
                source = (slice(None),) * axis + (slice(start + shift, stop + shift),)
                total[target] += values[source]
        values = total
    return values


# -- Numba ---------------------------------------------------------------------------------------------------------


@lrn.body("numba")
def _(x, scale, y, size, within, alpha, beta, k):
    kernel = _within_forward if within else _across_forward
    kernel(*_job(x, size, within), NO_INDICES, x, scale, y, np.array([alpha, beta, k], x.dtype))


@lrn_backward.body("numba")
def _(dy, x, scale, dx, size, within, alpha, beta):
    kernel = _within_backward if within else _across_backward
    kernel(*_job(x, size, within), NO_INDICES, dy, x, scale, dx, np.array([alpha, beta], x.dtype))


def _job(x: Array, size: int, within: bool) -> tuple[int, Array]:
    n, channels, height, width = x.shape
    threads = 1 if x.size <= SMALL else get_num_threads()
    return threads, np.array([n, channels, height, width, size // 2], np.int64)


fast = njit(forceinline=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})


@njit(forceinline=True, error_model="numpy")  # exp and log do not survive fastmath
def _powers(s, start, beta, out, count):
    """out[i] = s[start + i]^-beta; s is positive. The common 3/4 takes two square roots and no logarithm."""
    if beta == 0.75:
        for i in range(count):
            root = np.sqrt(s[start + i])
            out[i] = s.dtype.type(1) / (root * np.sqrt(root))
    else:
        for i in range(count):
            out[i] = exp(-beta * log(s[start + i]))


@threaded
def _across_forward(thread, threads, numbers, indices, x, scale, y, options, unused):
    n, channels, half = numbers[0], numbers[1], numbers[4]
    alpha, beta, k = options[0], options[1], options[2]
    pixels = numbers[2] * numbers[3]
    tiles = (pixels + TILE - 1) // TILE
    power = np.empty(TILE, x.dtype)
    for job in range(thread * n * tiles // threads, (thread + 1) * n * tiles // threads):
        p0 = job % tiles * TILE
        count = min(TILE, pixels - p0)
        image = job // tiles * channels
        for c in range(channels):
            at = (image + c) * pixels + p0
            s = scale[at : at + count]
            s[:] = k
            for j in range(max(0, c - half), min(channels, c + half + 1)):
                row = x[(image + j) * pixels + p0 :]
                for i in range(count):
                    s[i] += alpha * row[i] * row[i]
            _powers(scale, at, beta, power, count)
            row, out = x[at:], y[at:]
            for i in range(count):
                out[i] = row[i] * power[i]


@threaded
def _across_backward(thread, threads, numbers, indices, dy, x, scale, dx, options):
    n, channels, half = numbers[0], numbers[1], numbers[4]
    alpha, beta = options[0], options[1]
    pixels = numbers[2] * numbers[3]
    tiles = (pixels + TILE - 1) // TILE
    power = np.empty(TILE, x.dtype)
    # dy x s^(-beta - 1) of all channels of the tile, as each is needed by its neighbours after dx has replaced dy
    part = np.empty(channels * TILE, x.dtype)
    for job in range(thread * n * tiles // threads, (thread + 1) * n * tiles // threads):
        p0 = job % tiles * TILE
        count = min(TILE, pixels - p0)
        image = job // tiles * channels
        for c in range(channels):
            at = (image + c) * pixels + p0
            _powers(scale, at, beta, power, count)
            above, row, s, out, terms = dy[at:], x[at:], scale[at:], dx[at:], part[c * TILE :]
            for i in range(count):
                out[i] = above[i] * power[i]
                terms[i] = out[i] * row[i] / s[i]
        factor = 2 * alpha * beta
        for c in range(channels):
            at = (image + c) * pixels + p0
            power[:count] = 0
            for j in range(max(0, c - half), min(channels, c + half + 1)):
                terms = part[j * TILE :]
                for i in range(count):
                    power[i] += terms[i]
            row, out = x[at:], dx[at:]
            for i in range(count):
                out[i] -= factor * row[i] * power[i]


@fast
def _square_sums(values, start, height, width, half, lines, sums, at):
    """sums[at + …] = sums of ``values`` (a plane at ``start``) over squares; ``lines`` holds one line of work space."""
    for h in range(height):
        lines[:width] = 0
        for j in range(max(0, h - half), min(height, h + half + 1)):
            row = values[start + j * width :]
            for w in range(width):
                lines[w] += row[w]
        out = sums[at + h * width : at + (h + 1) * width]
        out[:] = 0
        for shift in range(-half, half + 1):
            first, last = max(0, -shift), min(width, width - shift)
            if first < last:
                source, target = lines[first + shift :], out[first:last]
                for w in range(last - first):
                    target[w] += source[w]


@threaded
def _within_forward(thread, threads, numbers, indices, x, scale, y, options, unused):
    planes, height, width, half = numbers[0] * numbers[1], numbers[2], numbers[3], numbers[4]
    alpha, beta, k = options[0], options[1], options[2]
    pixels = height * width
    lines, squares, power = np.empty(width, x.dtype), np.empty(pixels, x.dtype), np.empty(pixels, x.dtype)
    for plane in range(thread * planes // threads, (thread + 1) * planes // threads):
        at = plane * pixels
        row, s, out = x[at : at + pixels], scale[at : at + pixels], y[at : at + pixels]
        for i in range(pixels):
            squares[i] = row[i] * row[i]
        _square_sums(squares, 0, height, width, half, lines, scale, at)
        for i in range(pixels):
            s[i] = k + alpha * s[i]
        _powers(scale, at, beta, power, pixels)
        for i in range(pixels):
            out[i] = row[i] * power[i]


@threaded
def _within_backward(thread, threads, numbers, indices, dy, x, scale, dx, options):
    planes, height, width, half = numbers[0] * numbers[1], numbers[2], numbers[3], numbers[4]
    alpha, beta = options[0], options[1]
    pixels = height * width
    lines, sums, power = np.empty(width, x.dtype), np.empty(pixels, x.dtype), np.empty(pixels, x.dtype)
    terms = np.empty(pixels, x.dtype)
    factor = 2 * alpha * beta
    for plane in range(thread * planes // threads, (thread + 1) * planes // threads):
        at = plane * pixels
        above, row, s, out = dy[at : at + pixels], x[at : at + pixels], scale[at : at + pixels], dx[at : at + pixels]
        _powers(scale, at, beta, power, pixels)
        for i in range(pixels):
            out[i] = above[i] * power[i]
            terms[i] = out[i] * row[i] / s[i]
        _square_sums(terms, 0, height, width, half, lines, sums, 0)
        for i in range(pixels):
            out[i] -= factor * row[i] * sums[i]
