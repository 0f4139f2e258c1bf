"""A moving average of the weights, which tests use in place of the weights themselves.

With w the weights after t iterations, a their average, d the decay:

    a ← a + (1 - min(d, (1 + t) / (10 + t))) (w - a)

so that a short training is not held back by the weights that it began with; a begins as the weights before the first
iteration.

Source: Polyak and Juditsky, Acceleration of stochastic approximation by averaging, 1992; the rising decay is that of
TensorFlow's ExponentialMovingAverage.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from numba import prange

from cafpy.backend import Array, Backend
from cafpy.errors import SolverError
from cafpy.ops.routine import routine
from cafpy.ops.update import FlatParameters, update_kernel


class WeightAverage:
    """The average of ``flat.data``. With a ``decay`` of 0 there is none, and every method does nothing.

    Attributes:
        values: the average, laid out as ``flat.data``; None before the first iteration.

    Raises SolverError when the decay does not lie in [0, 1).
    """

    def __init__(self, backend: Backend, flat: FlatParameters, decay: float):
        if not 0 <= decay < 1:
            raise SolverError(f"ema_decay is {decay:g}; it must be at least 0 and below 1, such as 0.999", "ema_decay")
        self.backend = backend
        self.flat = flat
        self.decay = decay
        self.values: Array | None = None
        self._swapped = False

    def begin(self) -> None:
        """Before an update: the first time, start with the weights as they are."""
        if self.decay and self.values is None:
            self.values = self.backend.zeros(self.flat.data.size, self.flat.dtype)
            self.values[...] = self.flat.data

    def add(self, iterations: int) -> None:
        """After an update: take in the weights; ``iterations`` counts the updates so far."""
        if self.values is not None:
            keep = min(self.decay, (1 + iterations) / (10 + iterations))
            move_towards(self.backend, self.values, self.flat.data, self.flat.dtype.type(1 - keep))

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Inside the block the net's weights are the averaged ones."""
        before, self._swapped = self._swapped, True
        self._swap()
        try:
            yield
        finally:
            self._swap()
            self._swapped = before

    @contextmanager
    def out_of_use(self) -> Iterator[None]:
        """Inside the block, which may stand in one of ``in_use``, the net's weights are the trained ones."""
        if not self._swapped:
            yield
            return
        self._swapped = False
        self._swap()
        try:
            yield
        finally:
            self._swap()
            self._swapped = True

    def _swap(self) -> None:
        if self.values is not None:
            trained = self.flat.data.copy()
            self.flat.data[...] = self.values
            self.values[...] = trained


@routine
def move_towards(xp, values, target, part):
    values += part * (target - values)


@move_towards.body("numba")
def _move_towards_numba(values, target, part):
    _move_kernel(values, target, part)


@update_kernel
def _move_kernel(values, target, part):
    for i in prange(values.size):
        values[i] += part * (target[i] - values[i])
