"""Lion: the sign of a momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import prange

from cafpy.backend import Array, Backend
from cafpy.ops.routine import routine
from cafpy.ops.update import FlatParameters, regularised, update_kernel
from cafpy.solvers.decoupled import decoupled_gradients
from cafpy.solvers.update_rule import MEAN, UpdateRule


class Lion(UpdateRule):
    """With g the gradient without decay, η the learning rate, λ = ``weight_decay`` · ``decay_mult``, β₁ = ``momentum``
    (default 0.9) and β₂ = ``momentum2`` (default 0.99):

        c = β₁ m + (1 - β₁) g
        m ← β₂ m + (1 - β₂) g
        w ← w - η (sign(c) + λ w)

    Every step is of size η, so rates are 3 to 10 times lower than Adam's, and decays as much higher.

    Source: Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023.
    """

    keeps = (MEAN,)

    def __init__(self, param: Any):
        super().__init__(param)
        self.beta1 = self.fraction("momentum", 0.9)
        self.beta2 = self.fraction("momentum2", 0.99)

    def update(self, backend: Backend, flat: FlatParameters, history: Sequence[Array], iteration: int) -> None:
        lion(backend, flat, history[0], self.beta1, self.beta2)


@routine
def lion(xp, flat, m, beta1, beta2):
    for part, gradient, decay, rate in decoupled_gradients(xp, flat):
        direction = xp.sign(beta1 * m[part] + (1 - beta1) * gradient)
        m[part] = beta2 * m[part] + (1 - beta2) * gradient
        flat.subtract(part, rate * (direction + decay))


@lion.body("numba")
def _lion_numba(flat, m, beta1, beta2):
    _lion_kernel(flat.packed(), m, *flat.scalars(beta1, 1 - beta1, beta2, 1 - beta2, 1))


@update_kernel
def _lion_kernel(flat, m, beta1, add1, beta2, add2, one):
    blocks, rates, decays, scale, l1, data, diff = flat
    for b in prange(blocks.shape[0]):
        start, stop, segment = blocks[b]
        rate, decay = rates[segment], decays[segment]
        w, d, mean = data[start:stop], diff[start:stop], m[start:stop]
        for i in range(w.size):
            gradient = d[i] * scale
            direction = np.sign(beta1 * mean[i] + add1 * gradient)
            mean[i] = beta2 * mean[i] + add2 * gradient
            step = rate * regularised(direction, w[i], one, decay, l1)
            d[i] = step
            w[i] -= step
