"""One-against-all hinge loss, and its gradient."""

from __future__ import annotations

from typing import Any

from numba import njit, prange

from cafpy.backend import Array
from cafpy.ops.routine import routine


@routine
def hinge_loss(xp: Any, x: Array, index: Array, square: bool, total: Array) -> None:
    """total = Σ m, or Σ m² where ``square``, with m = max(0, 1 - x) at the label and max(0, 1 + x) elsewhere.

    ``x`` is items × classes, ``index`` the label of each item; ``total`` one number, float64.
    """
    missed = _missed(xp, x, index)[0]
    total[...] = (missed * missed if square else missed).sum(dtype=xp.float64)


@hinge_loss.body("numba")
def _(x: Array, index: Array, square: bool, total: Array) -> None:
    total[...] = _loss(x, index.reshape(-1), square)


@routine
def hinge_loss_backward(xp: Any, x: Array, index: Array, square: bool, factor: Array, dx: Array) -> None:
    """dx = factor · s, or factor · 2 m s where ``square``, wherever m > 0, with s = -1 at the label and 1 elsewhere.

    ``factor`` is an array of one element.
    """
    missed, sign = _missed(xp, x, index)
    dx[...] = factor * sign * (2 * missed if square else missed > 0)


@hinge_loss_backward.body("numba")
def _(x: Array, index: Array, square: bool, factor: Array, dx: Array) -> None:
    _backward(x, index.reshape(-1), square, dx.dtype.type(factor.reshape(())), dx)


def _missed(xp: Any, x: Array, index: Array) -> tuple[Array, Array]:
    label = xp.arange(x.shape[1], dtype=index.dtype) == index.reshape(-1, 1)
    sign = xp.where(label, -1, 1).astype(x.dtype)
    return xp.maximum(1 + sign * x, 0), sign


@njit
def _item_loss(x, label, square):
    total = 0.0
    for c in range(x.size):
        missed = 1 - x[c] if c == label else 1 + x[c]
        missed = x.dtype.type(0) if missed < 0 else missed  # nan stays nan
        total += missed * missed if square else missed
    return total


@njit(parallel=True, cache=True)
def _loss(x, index, square):
    total = 0.0
    for item in prange(len(x)):
        total += _item_loss(x[item], index[item], square)
    return total


@njit(parallel=True, cache=True)
def _backward(x, index, square, factor, dx):
    for item in prange(len(x)):
        for c in range(x.shape[1]):
            sign = x.dtype.type(-1 if c == index[item] else 1)
            missed = 1 + sign * x[item, c]
            slope = 2 * missed if square else x.dtype.type(1)
            dx[item, c] = factor * sign * slope if missed > 0 else 0
