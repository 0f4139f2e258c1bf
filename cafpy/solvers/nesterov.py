"""Nesterov's accelerated gradient."""

from __future__ import annotations

from collections.abc import Sequence

from numba import prange

from cafpy.backend import Array, Backend
from cafpy.ops.routine import routine
from cafpy.ops.update import FlatParameters, regularised, update_kernel
from cafpy.solvers.update_rule import VELOCITY, UpdateRule


class Nesterov(UpdateRule):
    """With g the gradient, η the learning rate and μ = ``momentum`` (default 0):

        h' = μ h + η g
        w ← w - ((1 + μ) h' - μ h),  h ← h'

    Source: Nesterov, A method of solving a convex programming problem with convergence rate O(1/√k), 1983; in the form
    of Sutskever et al., On the importance of initialization and momentum in deep learning, ICML 2013.
    """

    keeps = (VELOCITY,)

    def update(self, backend: Backend, flat: FlatParameters, history: Sequence[Array], iteration: int) -> None:
        nesterov(backend, flat, history[0], self.param.momentum)


@routine
def nesterov(xp, flat, h, momentum):
    for part, gradient, rate in flat.gradients(xp):
        before = h[part] * momentum
        h[part] = before + rate * gradient
        flat.subtract(part, (1 + momentum) * h[part] - before)


@nesterov.body("numba")
def _nesterov_numba(flat, h, momentum):
    _nesterov_kernel(flat.packed(), h, *flat.scalars(momentum, 1 + momentum))


@update_kernel
def _nesterov_kernel(flat, h, momentum, ahead):
    blocks, rates, decays, scale, l1, data, diff = flat
    for b in prange(blocks.shape[0]):
        start, stop, segment = blocks[b]
        rate, decay = rates[segment], decays[segment]
        w, d, hist = data[start:stop], diff[start:stop], h[start:stop]
        for i in range(w.size):
            before = momentum * hist[i]
            after = before + rate * regularised(d[i], w[i], scale, decay, l1)
            step = ahead * after - before
            hist[i] = after
            d[i] = step
            w[i] -= step
