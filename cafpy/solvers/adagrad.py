"""AdaGrad: a rate for each parameter, divided by the size of all its gradients so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numba import prange

from cafpy.backend import Array, Backend
from cafpy.ops.routine import routine
from cafpy.ops.update import FlatParameters, regularised, update_kernel
from cafpy.solvers.update_rule import SUM_OF_SQUARES, UpdateRule


class AdaGrad(UpdateRule):
    """With g the gradient, η the learning rate and ε = ``delta`` (default 1e-8):

        h ← h + g²
        w ← w - η g / (√h + ε)

    ``momentum`` must be 0.

    Source: Duchi et al., Adaptive subgradient methods for online learning and stochastic optimization, JMLR 2011.
    """

    keeps = (SUM_OF_SQUARES,)

    def __init__(self, param: Any):
        super().__init__(param)
        self.no_momentum()

    def update(self, backend: Backend, flat: FlatParameters, history: Sequence[Array], iteration: int) -> None:
        adagrad(backend, flat, history[0], self.param.delta)


@routine
def adagrad(xp, flat, h, delta):
    for part, gradient, rate in flat.gradients(xp):
        h[part] += gradient * gradient
        flat.subtract(part, rate * gradient / (xp.sqrt(h[part]) + delta))


@adagrad.body("numba")
def _adagrad_numba(flat, h, delta):
    _adagrad_kernel(flat.packed(), h, *flat.scalars(delta))


@update_kernel
def _adagrad_kernel(flat, h, delta):
    blocks, rates, decays, scale, l1, data, diff = flat
    for b in prange(blocks.shape[0]):
        start, stop, segment = blocks[b]
        rate, decay = rates[segment], decays[segment]
        w, d, hist = data[start:stop], diff[start:stop], h[start:stop]
        for i in range(w.size):
            gradient = regularised(d[i], w[i], scale, decay, l1)
            hist[i] += gradient * gradient
            step = rate * gradient / (math.sqrt(hist[i]) + delta)
            d[i] = step
            w[i] -= step
