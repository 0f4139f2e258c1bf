"""Adam: momentum divided by the recent size of the gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numba import prange

from cafpy.backend import Array, Backend
from cafpy.ops.routine import routine
from cafpy.ops.update import FlatParameters, regularised, update_kernel
from cafpy.solvers.update_rule import MEAN, MEAN_OF_SQUARES, UpdateRule


class Adam(UpdateRule):
    """With g the gradient, η the learning rate, β₁ = ``momentum`` (default 0; the paper's is 0.9), β₂ = ``momentum2``
    (default 0.999), ε = ``delta`` (default 1e-8) and t the iteration, counted from 1:

        m ← β₁ m + (1 - β₁) g
        v ← β₂ v + (1 - β₂) g²
        w ← w - η √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + ε)

    Weight decay is added to g, so it is not AdamW. History: m, then v.

    Source: Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015 (the form at the end of section 2).
    """

    keeps = (MEAN, MEAN_OF_SQUARES)

    def __init__(self, param: Any):
        super().__init__(param)
        self.beta1 = self.fraction("momentum")
        self.beta2 = self.fraction("momentum2")

    def update(self, backend: Backend, flat: FlatParameters, history: Sequence[Array], iteration: int) -> None:
        t = iteration + 1
        correction = math.sqrt(1 - self.beta2**t) / (1 - self.beta1**t)
        adam(backend, flat, *history, self.beta1, self.beta2, self.param.delta, correction)


@routine
def adam(xp, flat, m, v, beta1, beta2, delta, correction):
    for part, gradient, rate in flat.gradients(xp):
        m[part] = beta1 * m[part] + (1 - beta1) * gradient
        v[part] = beta2 * v[part] + (1 - beta2) * gradient * gradient
        flat.subtract(part, rate * correction * m[part] / (xp.sqrt(v[part]) + delta))


@adam.body("numba")
def _adam_numba(flat, m, v, beta1, beta2, delta, correction):
    _adam_kernel(flat.packed(), m, v, *flat.scalars(beta1, 1 - beta1, beta2, 1 - beta2, delta, correction))


@update_kernel
def _adam_kernel(flat, m, v, beta1, add1, beta2, add2, delta, correction):
    blocks, rates, decays, scale, l1, data, diff = flat
    for b in prange(blocks.shape[0]):
        start, stop, segment = blocks[b]
        rate, decay = rates[segment] * correction, decays[segment]
        w, d, mean, square = data[start:stop], diff[start:stop], m[start:stop], v[start:stop]
        for i in range(w.size):
            gradient = regularised(d[i], w[i], scale, decay, l1)
            mean[i] = beta1 * mean[i] + add1 * gradient
            square[i] = beta2 * square[i] + add2 * gradient * gradient
            step = rate * mean[i] / (math.sqrt(square[i]) + delta)
            d[i] = step
            w[i] -= step
