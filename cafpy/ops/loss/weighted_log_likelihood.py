"""The negative log-likelihood of smoothed labels, with class weights and a focal factor; its slope through a softmax.

For each position with label y, of C classes with probabilities p and weights w:

    loss = Σ_c w_c q_c (1 - p_c)^gamma · -log p_c,  q_c = (1 - smoothing) [c = y] + smoothing / C

q is Szegedy et al., "Rethinking the Inception Architecture", 2016, section 7; (1 - p)^gamma is Lin et al., "Focal Loss
for Dense Object Detection", 2017, for each class on its own. The plain `cafpy.ops.loss.log_likelihood` is smoothing 0,
gamma 0 and all weights 1.

Probabilities are outer × classes × inner; indices, as `cafpy.ops.loss.labels` makes them, outer × inner; there is
one weight for each class.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from cafpy.backend import Array
from cafpy.ops.routine import routine

TILE = 128  # inner positions that a thread takes at once


@routine
def weighted_log_likelihood(
    xp: Any,
    probability: Array,
    index: Array,
    weight: Array,
    smoothing: float,
    gamma: float,
    least: float,
    totals: Array,
) -> None:
    """totals = [Σ loss, Σ w of the label], float64, over all labels that are not ignored. A p below ``least`` counts as
    that."""
    share = _shares(xp, probability, index, weight, smoothing)
    losses = share * -xp.log(xp.maximum(probability, least))
    if gamma:
        losses = losses * (1 - probability) ** gamma
    totals[0] = losses.sum(dtype=xp.float64)
    totals[1] = xp.where(index >= 0, weight[xp.where(index >= 0, index, 0)], 0).sum(dtype=xp.float64)


@weighted_log_likelihood.body("numba")
def _(
    probability: Array, index: Array, weight: Array, smoothing: float, gamma: float, least: float, totals: Array
) -> None:
    number = probability.dtype.type
    arguments = number(smoothing), number(gamma), number(least)
    totals[0], totals[1] = _likelihood(probability, index, weight, *arguments)


@routine
def weighted_softmax_loss_backward(
    xp: Any,
    probability: Array,
    index: Array,
    weight: Array,
    smoothing: float,
    gamma: float,
    least: float,
    factor: Array,
    dx: Array,
) -> None:
    """dx = factor · the gradient of Σ loss in x, where p = softmax(x); 0 for all classes of an ignored position.

    With g_c = p_c d loss / d p_c = w_c q_c (gamma p (1 - p)^(gamma - 1) log p - (1 - p)^gamma) it is
    g_c - p_c Σ g. ``factor`` is an array of one element.
    """
    slope = -_shares(xp, probability, index, weight, smoothing)
    if gamma:
        rest = xp.maximum(1 - probability, least)  # gamma - 1 may be negative
        log = xp.log(xp.maximum(probability, least))
        slope = slope * rest ** (gamma - 1) * (rest - gamma * probability * log)
    dx[...] = (slope - probability * slope.sum(axis=1, keepdims=True)) * factor


@weighted_softmax_loss_backward.body("numba")
def _(
    probability: Array,
    index: Array,
    weight: Array,
    smoothing: float,
    gamma: float,
    least: float,
    factor: Array,
    dx: Array,
) -> None:
    number = dx.dtype.type
    arguments = number(smoothing), number(gamma), number(least), number(factor.reshape(()))
    _backward(probability, index, weight, *arguments, dx)


def _shares(xp: Any, probability: Array, index: Array, weight: Array, smoothing: float) -> Array:
    """w_c q_c, of the shape of ``probability``; 0 where ignored."""
    classes = probability.shape[1]
    label = index[:, None, :]
    target = (xp.arange(classes, dtype=index.dtype)[:, None] == label) * (1 - smoothing) + smoothing / classes
    return xp.where(label >= 0, target * weight[:, None], 0).astype(probability.dtype)


@njit(error_model="numpy")
def _loss(p, one, gamma, least):
    """(1 - p)^gamma · -log p."""
    loss = -np.log(least if p < least else p)  # not max(), which would turn nan into a number
    return loss * (one - p) ** gamma if gamma else loss


@njit(error_model="numpy")
def _slope(p, one, gamma, least):
    """p times the derivative of :func:`_loss` in p."""
    if not gamma:
        return -one
    rest = max(one - p, least)
    return rest ** (gamma - one) * (gamma * p * np.log(max(p, least)) - rest)


@njit(error_model="numpy")
def _tile_loss(probability, labels, weight, smoothing, gamma, least, start, stop):
    """Of one item, classes × inner, the inner positions from ``start`` to ``stop``."""
    one = probability.dtype.type(1)
    share = smoothing / probability.dtype.type(len(probability))
    loss, weights = 0.0, 0.0
    for i in range(start, stop):
        if labels[i] >= 0:
            w = weight[labels[i]]
            weights += w
            loss += w * (one - smoothing) * _loss(probability[labels[i], i], one, gamma, least)
    if smoothing:
        for c in range(len(probability)):
            for i in range(start, stop):
                if labels[i] >= 0:
                    loss += weight[c] * share * _loss(probability[c, i], one, gamma, least)
    return loss, weights


@njit(error_model="numpy")
def _tile_backward(probability, labels, weight, smoothing, gamma, least, factor, dx, start, stop):
    one, zero = dx.dtype.type(1), dx.dtype.type(0)
    share = smoothing / dx.dtype.type(len(dx))
    total = np.zeros(TILE, dx.dtype)
    for i in range(start, stop):
        if labels[i] >= 0:
            slope = _slope(probability[labels[i], i], one, gamma, least)
            total[i - start] = weight[labels[i]] * (one - smoothing) * slope
    if smoothing:
        for c in range(len(dx)):
            for i in range(start, stop):
                total[i - start] += weight[c] * share * _slope(probability[c, i], one, gamma, least)
    for c in range(len(dx)):
        for i in range(start, stop):
            p = probability[c, i]
            target = share + (one - smoothing) if labels[i] == c else share
            own = target * weight[c] * _slope(p, one, gamma, least) if target else zero
            dx[c, i] = (own - p * total[i - start]) * factor if labels[i] >= 0 else zero


@njit(parallel=True, cache=True)
def _likelihood(probability, index, weight, smoothing, gamma, least):
    inner = probability.shape[2]
    tiles = (inner + TILE - 1) // TILE
    total, weights = 0.0, 0.0
    for part in prange(len(probability) * tiles):
        item, start = part // tiles, part % tiles * TILE
        stop = min(start + TILE, inner)
        found = _tile_loss(probability[item], index[item], weight, smoothing, gamma, least, start, stop)
        total += found[0]
        weights += found[1]
    return total, weights


@njit(parallel=True, cache=True)
def _backward(probability, index, weight, smoothing, gamma, least, factor, dx):
    inner = probability.shape[2]
    tiles = (inner + TILE - 1) // TILE
    for part in prange(len(probability) * tiles):
        item, start = part // tiles, part % tiles * TILE
        stop = min(start + TILE, inner)
        _tile_backward(probability[item], index[item], weight, smoothing, gamma, least, factor, dx[item], start, stop)
