"""LAMB: Adam's direction, scaled for each parameter blob to the size of its weights; for very large batches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import prange

from cafpy.backend import Array, Backend
from cafpy.ops.routine import routine
from cafpy.ops.update import FlatParameters, regularised, update_kernel
from cafpy.solvers.decoupled import decoupled_gradients
from cafpy.solvers.update_rule import MEAN, MEAN_OF_SQUARES, UpdateRule


class LAMB(UpdateRule):
    """With g the gradient without decay, η the learning rate, λ = ``weight_decay`` · ``decay_mult``, β₁ = ``momentum``
    (default 0.9), β₂ = ``momentum2`` (default 0.999), ε = ``delta`` (default 1e-6) and t the iteration, from 1:

        m ← β₁ m + (1 - β₁) g
        v ← β₂ v + (1 - β₂) g²
        u = m / (1 - β₁ᵗ) / (√(v / (1 - β₂ᵗ)) + ε) + λ w
        w ← w - η ‖w‖₂ / ‖u‖₂ · u

    The norms are those of one parameter blob; where one of them is 0 the factor is 1. History: m, then v.

    Source: You et al., Large batch optimization for deep learning: training BERT in 76 minutes, ICLR 2020 (algorithm 2
    with φ(z) = z).
    """

    keeps = (MEAN, MEAN_OF_SQUARES)

    def __init__(self, param: Any):
        super().__init__(param)
        self.beta1 = self.fraction("momentum", 0.9)
        self.beta2 = self.fraction("momentum2", 0.999)
        self.delta = param.delta if param.HasField("delta") else 1e-6

    def update(self, backend: Backend, flat: FlatParameters, history: Sequence[Array], iteration: int) -> None:
        t = iteration + 1
        mean, square = 1 / (1 - self.beta1**t), 1 / (1 - self.beta2**t)
        lamb(backend, flat, *history, self.beta1, self.beta2, self.delta, mean, square)


@routine
def lamb(xp, flat, m, v, beta1, beta2, delta, mean, square):
    for part, gradient, decay, rate in decoupled_gradients(xp, flat):
        m[part] = beta1 * m[part] + (1 - beta1) * gradient
        v[part] = beta2 * v[part] + (1 - beta2) * gradient * gradient
        step = mean * m[part] / (xp.sqrt(square * v[part]) + delta) + decay
        size, length = xp.sqrt(xp.sum(flat.data[part] ** 2)), xp.sqrt(xp.sum(step * step))
        known = (size > 0) & (length > 0)
        flat.subtract(part, rate * xp.where(known, size / xp.where(known, length, 1), 1) * step)


@lamb.body("numba")
def _lamb_numba(flat, m, v, beta1, beta2, delta, mean, square):
    squares = np.empty((len(flat.blocks), 2))
    scalars = flat.scalars(beta1, 1 - beta1, beta2, 1 - beta2, delta, mean, square, 1)
    _direction_kernel(flat.packed(), m, v, squares, *scalars)
    segments = flat.blocks[:, 2]
    size, length = (np.sqrt(np.bincount(segments, column, len(flat.rates))) for column in squares.T)
    known = (size > 0) & (length > 0)
    factors = np.where(known, size / np.where(known, length, 1), 1)
    _step_kernel(flat.blocks, (flat.rates * factors).astype(flat.dtype), flat.data, flat.diff)


@update_kernel
def _direction_kernel(flat, m, v, squares, beta1, add1, beta2, add2, delta, mean, square, one):
    """u in the place of the gradients; ‖w‖² and ‖u‖² of each block in ``squares``."""
    blocks, _, decays, scale, l1, data, diff = flat
    for b in prange(blocks.shape[0]):
        start, stop, segment = blocks[b]
        decay = decays[segment]
        w, d, means, seconds = data[start:stop], diff[start:stop], m[start:stop], v[start:stop]
        size = length = 0.0
        for i in range(w.size):
            gradient = d[i] * scale
            means[i] = beta1 * means[i] + add1 * gradient
            seconds[i] = beta2 * seconds[i] + add2 * gradient * gradient
            step = mean * means[i] / (math.sqrt(square * seconds[i]) + delta)
            step = regularised(step, w[i], one, decay, l1)
            d[i] = step
            size += w[i] * w[i]
            length += step * step
        squares[b, 0] = size
        squares[b, 1] = length


@update_kernel
def _step_kernel(blocks, rates, data, diff):
    for b in prange(blocks.shape[0]):
        start, stop, segment = blocks[b]
        rate = rates[segment]
        w, d = data[start:stop], diff[start:stop]
        for i in range(w.size):
            d[i] *= rate
            w[i] -= d[i]
