"""Sum of squared differences, and its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from cafpy.backend import Array
from cafpy.ops.routine import routine


@routine
def squared_distance(xp: Any, a: Array, b: Array, total: Array) -> None:
    """total = Σ (a - b)², one number, float64; ``a`` and ``b`` have one count and C order."""
    difference = a.reshape(-1) - b.reshape(-1)
    total[...] = (difference * difference).sum(dtype=xp.float64)


@squared_distance.body("numba")
def _(a: Array, b: Array, total: Array) -> None:
    total[...] = _squared_distance(a.reshape(-1), b.reshape(-1))


@routine
def scaled_difference(xp: Any, a: Array, b: Array, factor: Array, out: Array) -> None:
    """out = factor (a - b); ``factor`` is an array of one element."""
    out[...] = (factor * (a.reshape(-1) - b.reshape(-1))).reshape(out.shape)


@scaled_difference.body("numba")
def _(a: Array, b: Array, factor: Array, out: Array) -> None:
    _scaled_difference(a.reshape(-1), b.reshape(-1), out.dtype.type(factor.reshape(())), out.reshape(-1))


BLOCK = 4096  # elements that are added up in their own precision before they go into the total


# reassoc lets LLVM add in SIMD lanes
@njit(fastmath={"reassoc", "nsz"})
def _block(a, b):
    total = a.dtype.type(0)
    for i in range(a.size):
        difference = a[i] - b[i]
        total += difference * difference
    return total


@njit(parallel=True, cache=True)
def _squared_distance(a, b):
    total = 0.0
    for block in prange((a.size + BLOCK - 1) // BLOCK):
        part = slice(block * BLOCK, (block + 1) * BLOCK)
        total += np.float64(_block(a[part], b[part]))
    return total


@njit(parallel=True, cache=True)
def _scaled_difference(a, b, factor, out):
    for i in prange(out.size):
        out[i] = factor * (a[i] - b[i])
