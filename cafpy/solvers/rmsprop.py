"""RMSProp: AdaGrad that forgets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numba import prange

from cafpy.backend import Array, Backend
from cafpy.ops.routine import routine
from cafpy.ops.update import FlatParameters, regularised, update_kernel
from cafpy.solvers.update_rule import MEAN_OF_SQUARES, UpdateRule


class RMSProp(UpdateRule):
    """With g the gradient, η the learning rate, ρ = ``rms_decay`` (default 0.99) and ε = ``delta`` (default 1e-8):

        h ← ρ h + (1 - ρ) g²
        w ← w - η g / (√h + ε)

    ``momentum`` must be 0.

    Source: Tieleman and Hinton, Divide the gradient by a running average of its recent magnitude, COURSERA lecture
    6.5, 2012.
    """

    keeps = (MEAN_OF_SQUARES,)

    def __init__(self, param: Any):
        super().__init__(param)
        self.no_momentum()
        self.decay = self.fraction("rms_decay")

    def update(self, backend: Backend, flat: FlatParameters, history: Sequence[Array], iteration: int) -> None:
        rmsprop(backend, flat, history[0], self.decay, self.param.delta)


@routine
def rmsprop(xp, flat, h, keep, delta):
    for part, gradient, rate in flat.gradients(xp):
        h[part] = keep * h[part] + (1 - keep) * gradient * gradient
        flat.subtract(part, rate * gradient / (xp.sqrt(h[part]) + delta))


@rmsprop.body("numba")
def _rmsprop_numba(flat, h, keep, delta):
    _rmsprop_kernel(flat.packed(), h, *flat.scalars(keep, 1 - keep, delta))


@update_kernel
def _rmsprop_kernel(flat, h, keep, add, delta):
    blocks, rates, decays, scale, l1, data, diff = flat
    for b in prange(blocks.shape[0]):
        start, stop, segment = blocks[b]
        rate, decay = rates[segment], decays[segment]
        w, d, hist = data[start:stop], diff[start:stop], h[start:stop]
        for i in range(w.size):
            gradient = regularised(d[i], w[i], scale, decay, l1)
            hist[i] = keep * hist[i] + add * gradient * gradient
            step = rate * gradient / (math.sqrt(hist[i]) + delta)
            d[i] = step
            w[i] -= step
