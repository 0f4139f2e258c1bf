"""AdaDelta: steps in the units of the parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numba import prange

from cafpy.backend import Array, Backend
from cafpy.ops.routine import routine
from cafpy.ops.update import FlatParameters, regularised, update_kernel
from cafpy.solvers.update_rule import MEAN_OF_SQUARES, STEPS_SQUARED, UpdateRule


class AdaDelta(UpdateRule):
    """With g the gradient, η the learning rate, μ = ``momentum`` (the decay; default 0) and ε = ``delta``
    (default 1e-8):

        h ← μ h + (1 - μ) g²
        u = g √((s + ε) / (h + ε))
        s ← μ s + (1 - μ) u²
        w ← w - η u

    The paper has no learning rate (η = 1) and suggests μ = 0.95, ε = 1e-6. History: h, then s.

    Source: Zeiler, ADADELTA: an adaptive learning rate method, arXiv:1212.5701, 2012.
    """

    keeps = (MEAN_OF_SQUARES, STEPS_SQUARED)

    def __init__(self, param: Any):
        super().__init__(param)
        self.decay = self.fraction("momentum")

    def update(self, backend: Backend, flat: FlatParameters, history: Sequence[Array], iteration: int) -> None:
        adadelta(backend, flat, *history, self.decay, self.param.delta)


@routine
def adadelta(xp, flat, h, s, keep, delta):
    for part, gradient, rate in flat.gradients(xp):
        h[part] = keep * h[part] + (1 - keep) * gradient * gradient
        step = gradient * xp.sqrt((s[part] + delta) / (h[part] + delta))
        s[part] = keep * s[part] + (1 - keep) * step * step
        flat.subtract(part, rate * step)


@adadelta.body("numba")
def _adadelta_numba(flat, h, s, keep, delta):
    _adadelta_kernel(flat.packed(), h, s, *flat.scalars(keep, 1 - keep, delta))


@update_kernel
def _adadelta_kernel(flat, h, s, keep, add, delta):
    blocks, rates, decays, scale, l1, data, diff = flat
    for b in prange(blocks.shape[0]):
        start, stop, segment = blocks[b]
        rate, decay = rates[segment], decays[segment]
        w, d, gradients, steps = data[start:stop], diff[start:stop], h[start:stop], s[start:stop]
        for i in range(w.size):
            gradient = regularised(d[i], w[i], scale, decay, l1)
            gradients[i] = keep * gradients[i] + add * gradient * gradient
            step = gradient * math.sqrt((steps[i] + delta) / (gradients[i] + delta))
            steps[i] = keep * steps[i] + add * step * step
            d[i] = rate * step
            w[i] -= d[i]
