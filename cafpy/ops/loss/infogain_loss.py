"""Log-likelihood of labels that a matrix makes soft, and its gradient through a softmax."""

from __future__ import annotations

from typing import Any

from numba import njit, prange

from cafpy.backend import Array
from cafpy.ops.kernel.vector_math import log
from cafpy.ops.routine import routine

LEAST = 1e-20  # a smaller probability counts as this


@routine
def infogain_loss(xp: Any, probability: Array, index: Array, matrix: Array, totals: Array) -> None:
    """totals = [-Σ Σ_c matrix[label, c] log max(p_c, LEAST), number of labels], over all labels that are not ignored.

    ``probability`` is outer × classes × inner, ``index`` outer × inner (negative: ignored), ``matrix`` classes ×
    classes; ``totals`` two numbers, float64.
    """
    weights = _weights(xp, index, matrix)
    totals[0] = -(weights * xp.log(xp.maximum(probability, LEAST))).sum(dtype=xp.float64)
    totals[1] = (index >= 0).sum()


@infogain_loss.body("numba")
def _(probability: Array, index: Array, matrix: Array, totals: Array) -> None:
    totals[0], totals[1] = _loss(probability, index, matrix, probability.dtype.type(LEAST))


@routine
def infogain_loss_backward(xp: Any, probability: Array, index: Array, matrix: Array, factor: Array, dx: Array) -> None:
    """dx_c = factor (p_c Σ_k matrix[label, k] - matrix[label, c]), 0 for an ignored position.

    The gradient in x of factor times the loss, p = softmax(x); ``factor`` is an array of one element.
    """
    weights = _weights(xp, index, matrix)
    dx[...] = factor * (probability * weights.sum(axis=1, keepdims=True) - weights)


@infogain_loss_backward.body("numba")
def _(probability: Array, index: Array, matrix: Array, factor: Array, dx: Array) -> None:
    _backward(probability, index, matrix, matrix.sum(axis=1), dx.dtype.type(factor.reshape(())), dx)


def _weights(xp: Any, index: Array, matrix: Array) -> Array:
    """The matrix' row of each label, 0 where ignored: outer × classes × inner."""
    rows = xp.take(matrix, xp.maximum(index, 0), axis=0) * (index >= 0)[:, :, None]
    return xp.swapaxes(rows, 1, 2)


@njit(error_model="numpy")
def _item_loss(probability, index, matrix, least):
    total = 0.0
    for c in range(len(probability)):
        for i in range(index.size):
            if index[i] >= 0:
                p = probability[c, i]
                total -= matrix[index[i], c] * log(least if p < least else p)  # nan stays nan
    return total


@njit(parallel=True, cache=True)
def _loss(probability, index, matrix, least):
    total, count = 0.0, 0
    for item in prange(len(index)):
        total += _item_loss(probability[item], index[item], matrix, least)
        count += (index[item] >= 0).sum()
    return total, count


@njit(parallel=True, cache=True)
def _backward(probability, index, matrix, sums, factor, dx):
    for item in prange(len(index)):
        for c in range(dx.shape[1]):
            for i in range(dx.shape[2]):
                label = index[item, i]
                slope = probability[item, c, i] * sums[label] - matrix[label, c]
                dx[item, c, i] = factor * slope if label >= 0 else 0
