"""The negative log-likelihood of labels that are shares of the classes, and its slope through a softmax.

As `cafpy.ops.loss.weighted_log_likelihood`, with any share t_c in the place of the one at the label:

    loss = Σ_c w_c q_c (1 - p_c)^gamma · -log p_c,  q_c = (1 - smoothing) t_c + smoothing / C

Probabilities and shares are outer × classes × inner; there is one weight for each class.
"""

from __future__ import annotations

from typing import Any

from cafpy.backend import Array
from cafpy.ops.routine import routine


@routine
def soft_log_likelihood(
    xp: Any,
    probability: Array,
    shares: Array,
    weight: Array,
    smoothing: float,
    gamma: float,
    least: float,
    totals: Array,
) -> None:
    """totals = [Σ loss, Σ w_c t_c], float64. A p below ``least`` counts as that."""
    losses = _wanted(shares, weight, smoothing) * -xp.log(xp.maximum(probability, least))
    if gamma:
        losses = losses * (1 - probability) ** gamma
    totals[0] = losses.sum(dtype=xp.float64)
    totals[1] = (shares * weight[:, None]).sum(dtype=xp.float64)


@routine
def soft_softmax_loss_backward(
    xp: Any,
    probability: Array,
    shares: Array,
    weight: Array,
    smoothing: float,
    gamma: float,
    least: float,
    factor: Array,
    dx: Array,
) -> None:
    """dx = factor · the gradient of Σ loss in x, where p = softmax(x). ``factor`` is an array of one element."""
    slope = -_wanted(shares, weight, smoothing)
    if gamma:
        rest = xp.maximum(1 - probability, least)  # gamma - 1 may be negative
        log = xp.log(xp.maximum(probability, least))
        slope = slope * rest ** (gamma - 1) * (rest - gamma * probability * log)
    dx[...] = (slope - probability * slope.sum(axis=1, keepdims=True)) * factor


def _wanted(shares: Array, weight: Array, smoothing: float) -> Array:
    """w_c q_c."""
    return ((1 - smoothing) * shares + smoothing / shares.shape[1]) * weight[:, None]
