"""The negative log-likelihood of labels under given probabilities, and its gradient: in these, or through a softmax.

Probabilities are outer × classes × inner; indices, as `cafpy.ops.loss.labels` makes them, outer × inner.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from cafpy.backend import Array
from cafpy.ops.routine import routine

SMALL = 1 << 14  # elements that are not worth waking threads for


@routine
def negative_log_likelihood(xp: Any, probability: Array, index: Array, least: float, totals: Array) -> None:
    """totals = [Σ -log(max(p of the label, least)), number of labels], over all labels that are not ignored;
    float64."""
    valid = index >= 0
    picked = xp.take_along_axis(probability, xp.where(valid, index, 0)[:, None, :], axis=1)[:, 0, :]
    losses = -xp.log(xp.maximum(picked, least))
    totals[0] = xp.where(valid, losses, 0).sum(dtype=xp.float64)
    totals[1] = valid.sum()


@negative_log_likelihood.body("numba")
def _(probability: Array, index: Array, least: float, totals: Array) -> None:
    _likelihood(probability, index, probability.dtype.type(least), totals)


@routine
def log_likelihood_backward(xp: Any, probability: Array, index: Array, least: float, factor: Array, dx: Array) -> None:
    """dx = -factor / max(p, least) at the label, 0 elsewhere; ``factor`` is an array of one element."""
    classes = xp.arange(probability.shape[1], dtype=index.dtype)[:, None]
    dx[...] = xp.where(classes == index[:, None, :], -factor / xp.maximum(probability, least), 0)


@log_likelihood_backward.body("numba")
def _(probability: Array, index: Array, least: float, factor: Array, dx: Array) -> None:
    number = dx.dtype.type
    dx[...] = 0
    _at_labels(probability, index, number(least), number(factor.reshape(())), dx)


@routine
def softmax_loss_backward(xp: Any, probability: Array, index: Array, factor: Array, dx: Array) -> None:
    """dx = factor · (p - 1 at the label, p elsewhere), 0 for all classes of an ignored position.

    The gradient of factor · Σ -log p with p = softmax(x); ``factor`` is an array of one element.
    """
    classes = xp.arange(probability.shape[1], dtype=index.dtype)[:, None]
    label = classes == index[:, None, :]
    dx[...] = xp.where(index[:, None, :] >= 0, (probability - label) * factor, 0)


@softmax_loss_backward.body("numba")
def _(probability: Array, index: Array, factor: Array, dx: Array) -> None:
    number = dx.dtype.type(factor.reshape(()))
    outer, classes, inner = dx.shape
    if inner == 1:
        flat = (outer, classes)
        _rows(probability.reshape(flat), index.reshape(-1), number, dx.reshape(flat), dx.size <= SMALL)
    else:
        planes = (outer * classes, inner)
        _planes(probability.reshape(planes), index, number, dx.reshape(planes))


@njit(cache=True, error_model="numpy")
def _likelihood(probability, index, least, totals):
    loss, count = 0.0, 0
    for item in range(index.shape[0]):
        for i in range(index.shape[1]):
            if index[item, i] >= 0:
                p = probability[item, index[item, i], i]
                loss -= np.log(least if p < least else p)  # not max(), which would turn nan into a number
                count += 1
    totals[0] = loss
    totals[1] = count


@njit(cache=True, error_model="numpy")
def _at_labels(probability, index, least, factor, dx):
    for item in range(index.shape[0]):
        for i in range(index.shape[1]):
            label = index[item, i]
            if label >= 0:
                p = probability[item, label, i]
                dx[item, label, i] = -factor / (least if p < least else p)


@njit
def _row(probability, label, factor, dx):
    if label < 0:
        dx[:] = 0
        return
    for c in range(dx.size):
        dx[c] = probability[c] * factor
    dx[label] -= factor


@njit(parallel=True, cache=True)
def _rows(probability, index, factor, dx, small):
    if small:
        for item in range(len(dx)):
            _row(probability[item], index[item], factor, dx[item])
    else:
        for item in prange(len(dx)):
            _row(probability[item], index[item], factor, dx[item])


@njit(parallel=True, cache=True)
def _planes(probability, index, factor, dx):
    classes = len(dx) // len(index)
    for plane in prange(len(dx)):
        labels, c = index[plane // classes], plane % classes
        for i in range(dx.shape[1]):
            value = probability[plane, i] * factor
            value = value - factor if labels[i] == c else value
            dx[plane, i] = value if labels[i] >= 0 else dx.dtype.type(0)
