"""What the update rules of all solvers share: parameters and gradients as two flat arrays, cut into segments.

An update is memory-bound, so it is one pass: the gradient is scaled and regularised in a register on its way into
the rule, and history, gradient and parameter are written once. Each rule (`cafpy/solvers/adam.py`) brings its own
plain and Numba body; what both need of a :class:`FlatParameters` is here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit

from cafpy.backend import Array

BLOCK = 1 << 14  # elements; data, gradient and two histories of a block fit in an L2 cache


class FlatParameters:
    """All learnable parameters as flat arrays of one dtype; segment s is one parameter blob.

    Attributes:
        data, diff: values and gradients, each of ``sum(counts)`` elements, on the backend's device.
        parts: the slice of each segment.
        rates: learning rate of each segment, a host array (base rate times lr_mult).
        decays: weight decay of each segment, a host array (weight_decay times decay_mult).
        scale: what the gradients are multiplied by first (clipping, 1 / iter_size); a number or an array without axes.
        l1: regularise with the sign of the parameters instead of the parameters themselves.
    """

    def __init__(self, data: Array, diff: Array, counts: Sequence[int]):
        self.data = data
        self.diff = diff
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(int).tolist()
        self.parts = [slice(start, stop) for start, stop in pairwise(starts)]
        self.dtype = np.dtype(data.dtype)
        self.rates = np.zeros(len(counts), self.dtype)
        self.decays = np.zeros(len(counts), self.dtype)
        self.scale: Any = 1.0
        self.l1 = False
        self.blocks = _blocks(self.parts)

    def gradients(self, xp: Any) -> Iterator[tuple[slice, Array, float]]:
        """For each segment: where it is, its scaled and regularised gradient (a new array), its learning rate."""
        for part, rate, decay in zip(self.parts, self.rates.tolist(), self.decays.tolist(), strict=True):
            gradient = self.diff[part] * self.scale
            if decay:
                data = self.data[part]
                gradient = gradient + decay * (xp.sign(data) if self.l1 else data)
            yield part, gradient, rate

    def subtract(self, part: slice, step: Array) -> None:
        """Take ``step`` off the parameters of a segment; it is left in ``diff``, where Caffe leaves it too."""
        self.diff[part] = step
        self.data[part] -= step

    def packed(self) -> tuple[Any, ...]:
        """The first argument of every Numba kernel: blocks, rates, decays, scale, l1, data, diff."""
        scale = self.dtype.type(self.scale)
        return self.blocks, self.rates, self.decays, scale, self.l1, self.data, self.diff

    def scalars(self, *values: float) -> tuple[Any, ...]:
        """``values`` in the parameters' dtype, so that a kernel computes in it."""
        return tuple(map(self.dtype.type, values))


def _blocks(parts: Sequence[slice]) -> np.ndarray:
    """Segments cut into pieces of at most BLOCK elements: rows of (start, stop, segment)."""
    rows = [
        (start, min(start + BLOCK, part.stop), segment)
        for segment, part in enumerate(parts)
        for start in range(part.start, part.stop, BLOCK)
    ]
    return np.array(rows, np.int64).reshape(-1, 3)


# One call updates the whole net, so a parallel kernel is right also for a small one. Kernels divide as C does
# (by zero: inf), or nothing would vectorise.
update_kernel = njit(cache=True, error_model="numpy", parallel=True)


@njit(cache=True, error_model="numpy")
def regularised(diff, data, scale, decay, l1):
    """One element's gradient as the rule wants it."""
    return diff * scale + decay * (np.sign(data) if l1 else data)
