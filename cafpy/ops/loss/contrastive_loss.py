"""Loss of pairs that should be near or far, and its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from cafpy.backend import Array
from cafpy.ops.routine import routine

LEAST = 1e-4  # added to a distance that is divided by


@routine
def contrastive_loss(
    xp: Any, a: Array, b: Array, alike: Array, margin: float, legacy: bool, squares: Array, total: Array
) -> None:
    """squares = d², d the distance of a pair; total = Σ d² of pairs that are alike + Σ max(margin - d, 0)² of others
    (max(margin - d², 0) in the legacy version).

    ``a`` and ``b`` are pairs × numbers, ``alike`` one number for each pair, not 0 where it is alike; ``total`` is one
    number, float64.
    """
    squares[...] = ((a - b) ** 2).sum(axis=1)
    missed = xp.maximum(margin - squares, 0) if legacy else xp.maximum(margin - xp.sqrt(squares), 0) ** 2
    total[...] = xp.where(alike != 0, squares, missed).sum(dtype=xp.float64)


@contrastive_loss.body("numba")
def _(a: Array, b: Array, alike: Array, margin: float, legacy: bool, squares: Array, total: Array) -> None:
    total[...] = _loss(a, b, alike, a.dtype.type(margin), legacy, squares)


@routine
def contrastive_loss_backward(
    xp: Any, a: Array, b: Array, alike: Array, margin: float, legacy: bool, squares: Array, factor: Array, da: Array
) -> None:
    """da = factor · (a - b) · w, w being 1 for a pair that is alike, -(margin - d) / (d + LEAST) for another that is
    nearer than the margin (-1 in the legacy version, where d² < margin), else 0.

    ``factor`` is an array of one element. The gradient in b is that with a and b exchanged.
    """
    if legacy:
        weight = xp.where(squares < margin, -1.0, 0.0)
    else:
        distance = xp.sqrt(squares)
        weight = -xp.maximum(margin - distance, 0) / (distance + LEAST)
    weight = xp.where(alike != 0, 1.0, weight)
    da[...] = factor * weight[:, None] * (a - b)


@contrastive_loss_backward.body("numba")
def _(a: Array, b: Array, alike: Array, margin: float, legacy: bool, squares: Array, factor: Array, da: Array) -> None:
    number = a.dtype.type
    _backward(a, b, alike, number(margin), legacy, squares, number(factor.reshape(())), da)


@njit(cache=True)
def _loss(a, b, alike, margin, legacy, squares):
    total = 0.0
    for pair in range(len(a)):
        square = a.dtype.type(0)
        for i in range(a.shape[1]):
            square += (a[pair, i] - b[pair, i]) ** 2
        squares[pair] = square
        if alike[pair] != 0:
            total += square
        elif legacy:
            total += max(margin - square, 0)
        else:
            total += max(margin - np.sqrt(square), 0) ** 2
    return total


@njit(cache=True, error_model="numpy")
def _backward(a, b, alike, margin, legacy, squares, factor, da):
    for pair in range(len(a)):
        weight = a.dtype.type(1)
        if alike[pair] == 0:
            distance = np.sqrt(squares[pair])
            if legacy:
                weight = a.dtype.type(-1 if squares[pair] < margin else 0)
            else:
                weight = -max(margin - distance, a.dtype.type(0)) / (distance + a.dtype.type(LEAST))
        for i in range(a.shape[1]):
            da[pair, i] = factor * weight * (a[pair, i] - b[pair, i])
