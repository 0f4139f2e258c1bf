"""Weighted sum, product and maximum of several arrays, and where a maximum came from.

All arrays of one call have the same shape, dtype and C order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit, prange

from cafpy.backend import Array
from cafpy.ops.routine import routine

_SMALL = 1 << 14  # entries; fewer are not worth waking threads for


@routine
def weighted_sum(xp: Any, xs: Sequence[Array], weights: Sequence[float], y: Array) -> None:
    """y = Σ weights[i] · xs[i]; two arrays at least."""
    xp.multiply(xs[0], weights[0], out=y)
    for x, weight in zip(xs[1:], weights[1:], strict=True):
        y += x if weight == 1 else x * weight


@weighted_sum.body("numba")
def _weighted_sum(xs: Sequence[np.ndarray], weights: Sequence[float], y: np.ndarray) -> None:
    number, out = y.dtype.type, y.reshape(-1)
    _weighted_sum_kernel(xs[0].reshape(-1), number(weights[0]), xs[1].reshape(-1), number(weights[1]), out)
    for x, weight in zip(xs[2:], weights[2:], strict=True):
        _weighted_sum_kernel(out, number(1), x.reshape(-1), number(weight), out)


@njit(cache=True, parallel=True, error_model="numpy")
def _weighted_sum_kernel(a, a_weight, b, b_weight, y):
    if y.size < _SMALL:
        for i in range(y.size):
            y[i] = a_weight * a[i] + b_weight * b[i]
    else:
        for i in prange(y.size):
            y[i] = a_weight * a[i] + b_weight * b[i]


@routine
def product(xp: Any, xs: Sequence[Array], y: Array) -> None:
    """y = Π xs[i]; two arrays at least."""
    xp.multiply(xs[0], xs[1], out=y)
    for x in xs[2:]:
        y *= x


@routine
def maximum(xp: Any, xs: Sequence[Array], y: Array, source: Array) -> None:
    """y = the largest of xs; ``source``, integers, tells which of them it is. Two arrays at least.

    Of equal values, or beside a nan, the second array goes before the first, and both before the later ones: Caffe's
    rule.
    """
    from_first = xs[0] > xs[1]
    xp.copyto(y, xp.where(from_first, xs[0], xs[1]))
    xp.copyto(source, xp.where(from_first, 0, 1), casting="unsafe")
    for i, x in enumerate(xs[2:], 2):
        larger = x > y
        xp.copyto(y, x, where=larger)
        xp.copyto(source, xp.where(larger, i, source), casting="unsafe")


@maximum.body("numba")
def _maximum(xs: Sequence[np.ndarray], y: np.ndarray, source: np.ndarray) -> None:
    index, out, sources = source.dtype.type, y.reshape(-1), source.reshape(-1)
    sources.fill(1)
    _larger_kernel(xs[0].reshape(-1), xs[1].reshape(-1), index(0), out, sources)
    for i, x in enumerate(xs[2:], 2):
        _larger_kernel(x.reshape(-1), out, index(i), out, sources)


@njit(cache=True, parallel=True, error_model="numpy")
def _larger_kernel(a, b, index, y, source):
    """y = a and source = index where a > b, else y = b."""
    if y.size < _SMALL:
        for i in range(y.size):
            larger = a[i] > b[i]
            source[i] = index if larger else source[i]
            y[i] = a[i] if larger else b[i]
    else:
        for i in prange(y.size):
            larger = a[i] > b[i]
            source[i] = index if larger else source[i]
            y[i] = a[i] if larger else b[i]


@routine
def maximum_backward(xp: Any, dy: Array, source: Array, index: int, dx: Array) -> None:
    """dx = dy where ``source`` is ``index``, else 0: the gradient of :func:`maximum` for array ``index``."""
    xp.copyto(dx, xp.where(source == index, dy, 0), casting="same_kind")


@maximum_backward.body("numba")
def _maximum_backward(dy: np.ndarray, source: np.ndarray, index: int, dx: np.ndarray) -> None:
    _selected_kernel(dy.reshape(-1), source.reshape(-1), source.dtype.type(index), dx.reshape(-1))


@njit(cache=True, parallel=True, error_model="numpy")
def _selected_kernel(dy, source, index, dx):
    zero = dx.dtype.type(0)
    if dx.size < _SMALL:
        for i in range(dx.size):
            dx[i] = dy[i] if source[i] == index else zero
    else:
        for i in prange(dx.size):
            dx[i] = dy[i] if source[i] == index else zero
