"""Local response normalisation, y = x · s^-beta with s = k + alpha · (sum of x² over a window), and its gradient.

The window lies along the channels, or is a square of positions in one channel. Its gradient is, with the same windows,
dx = dy · s^-beta - 2 · alpha · beta · x · (sum of dy · x · s^(-beta - 1) over the window).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import get_num_threads

from cafpy.backend import Array
from cafpy.ops.kernel.threaded import NO_INDICES
from cafpy.ops.lrn.across import across_backward, across_forward
from cafpy.ops.lrn.within import within_backward, within_forward
from cafpy.ops.routine import routine

SMALL = 1 << 13  # elements that are not worth waking threads for


@routine
def lrn(xp: Any, x: Array, y: Array, size: int, within: bool, alpha: float, beta: float, k: float) -> None:
    """Write x · s^-beta to ``y``; both are N×C×H×W.

    The window is ``size`` channels (odd), or with ``within`` size × size positions; it is cut at the borders.
    """
    y[...] = x * (k + alpha * _window_sum(xp, x * x, size, within)) ** -beta


@routine
def lrn_backward(
    xp: Any, dy: Array, x: Array, dx: Array, size: int, within: bool, alpha: float, beta: float, k: float
) -> None:
    """Write the gradient to ``dx``, which may be ``dy``.

    s is found again from x: to write it in forward and to read it here would move more bytes than all the rest.
    """
    s = k + alpha * _window_sum(xp, x * x, size, within)
    power = s**-beta
    dx[...] = dy * power - 2 * alpha * beta * x * _window_sum(xp, dy * x * power / s, size, within)


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


@lrn.body("numba")
def _(x, y, size, within, alpha, beta, k):
    if x.dtype != np.float32:  # doubles are for gradient checks
        lrn.plain(np, x, y, size, within, alpha, beta, k)
        return
    kernel = within_forward if within else across_forward
    kernel(*_job(x, size, alpha, beta, k), x, y, np.array([alpha, beta, k], x.dtype))


@lrn_backward.body("numba")
def _(dy, x, dx, size, within, alpha, beta, k):
    if x.dtype != np.float32:
        lrn_backward.plain(np, dy, x, dx, size, within, alpha, beta, k)
        return
    kernel = within_backward if within else across_backward
    kernel(*_job(x, size, alpha, beta, k), dy, x, dx, np.array([alpha, beta, k], x.dtype))


def _job(x: Array, size: int, alpha: float, beta: float, k: float) -> tuple[int, Array, Array]:
    n, channels, height, width = x.shape
    threads = 1 if x.size <= SMALL else get_num_threads()
    roots = beta == 0.75 and alpha >= 0 and k >= 1e-30  # what inverse_fourth_root is for
    return threads, np.array([n, channels, height, width, size // 2, roots], np.int64), NO_INDICES
