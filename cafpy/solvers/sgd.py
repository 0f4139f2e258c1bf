"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Sequence

from numba import prange

from cafpy.backend import Array, Backend
from cafpy.ops.routine import routine
from cafpy.ops.update import FlatParameters, regularised, update_kernel
from cafpy.solvers.update_rule import VELOCITY, UpdateRule


class SGD(UpdateRule):
    """With g the gradient, η the learning rate and μ = ``momentum`` (default 0):

        h ← μ h + η g
        w ← w - h

    The rate is inside the history, so a lower rate takes full effect only after some iterations.

    Source: Bottou, Stochastic gradient descent tricks, in: Neural Networks: Tricks of the Trade, 2012.
    """

    keeps = (VELOCITY,)

    def update(self, backend: Backend, flat: FlatParameters, history: Sequence[Array], iteration: int) -> None:
        sgd(backend, flat, history[0], self.param.momentum)


@routine
def sgd(xp, flat, h, momentum):
    for part, gradient, rate in flat.gradients(xp):
        h[part] = momentum * h[part] + rate * gradient
        flat.subtract(part, h[part])


@sgd.body("numba")
def _sgd_numba(flat, h, momentum):
    _sgd_kernel(flat.packed(), h, *flat.scalars(momentum))


@update_kernel
def _sgd_kernel(flat, h, momentum):
    blocks, rates, decays, scale, l1, data, diff = flat
    for b in prange(blocks.shape[0]):
        start, stop, segment = blocks[b]
        rate, decay = rates[segment], decays[segment]
        w, d, hist = data[start:stop], diff[start:stop], h[start:stop]
        for i in range(w.size):
            step = momentum * hist[i] + rate * regularised(d[i], w[i], scale, decay, l1)
            hist[i] = step
            d[i] = step
            w[i] -= step
