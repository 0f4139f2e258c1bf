"""AdamW: Adam with weight decay beside the gradient instead of inside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numba import prange

from cafpy.backend import Array, Backend
from cafpy.ops.routine import routine
from cafpy.ops.update import FlatParameters, regularised, update_kernel
from cafpy.solvers.decoupled import decoupled_gradients
from cafpy.solvers.update_rule import MEAN, MEAN_OF_SQUARES, UpdateRule


class AdamW(UpdateRule):
    """With g the gradient without decay, η the learning rate, λ = ``weight_decay`` · ``decay_mult``, β₁ = ``momentum``
    (default 0.9), β₂ = ``momentum2`` (default 0.999), ε = ``delta`` (default 1e-8) and t the iteration, from 1:

        m ← β₁ m + (1 - β₁) g
        v ← β₂ v + (1 - β₂) g²
        w ← w - η (m / (1 - β₁ᵗ) / (√(v / (1 - β₂ᵗ)) + ε) + λ w)

    History: m, then v. The rate multiplies the decay too, as in most implementations.

    Source: Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019.
    """

    keeps = (MEAN, MEAN_OF_SQUARES)

    def __init__(self, param: Any):
        super().__init__(param)
        self.beta1 = self.fraction("momentum", 0.9)
        self.beta2 = self.fraction("momentum2", 0.999)

    def update(self, backend: Backend, flat: FlatParameters, history: Sequence[Array], iteration: int) -> None:
        t = iteration + 1
        mean, square = 1 / (1 - self.beta1**t), 1 / (1 - self.beta2**t)
        adamw(backend, flat, *history, self.beta1, self.beta2, self.param.delta, mean, square)


@routine
def adamw(xp, flat, m, v, beta1, beta2, delta, mean, square):
    for part, gradient, decay, rate in decoupled_gradients(xp, flat):
        m[part] = beta1 * m[part] + (1 - beta1) * gradient
        v[part] = beta2 * v[part] + (1 - beta2) * gradient * gradient
        flat.subtract(part, rate * (mean * m[part] / (xp.sqrt(square * v[part]) + delta) + decay))


@adamw.body("numba")
def _adamw_numba(flat, m, v, beta1, beta2, delta, mean, square):
    _adamw_kernel(flat.packed(), m, v, *flat.scalars(beta1, 1 - beta1, beta2, 1 - beta2, delta, mean, square, 1))


@update_kernel
def _adamw_kernel(flat, m, v, beta1, add1, beta2, add2, delta, mean, square, one):
    blocks, rates, decays, scale, l1, data, diff = flat
    for b in prange(blocks.shape[0]):
        start, stop, segment = blocks[b]
        rate, decay = rates[segment], decays[segment]
        w, d, means, squares = data[start:stop], diff[start:stop], m[start:stop], v[start:stop]
        for i in range(w.size):
            gradient = d[i] * scale
            means[i] = beta1 * means[i] + add1 * gradient
            squares[i] = beta2 * squares[i] + add2 * gradient * gradient
            step = mean * means[i] / (math.sqrt(square * squares[i]) + delta)
            step = rate * regularised(step, w[i], one, decay, l1)
            d[i] = step
            w[i] -= step
