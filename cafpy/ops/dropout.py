"""Dropout: some entries set to zero at random, the same ones in forward and backward without storing which."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from cafpy.backend import Array
from cafpy.ops.random import CHUNK, draw, random_words
from cafpy.ops.routine import routine


@routine
def dropout(xp: Any, x: Array, seed: int, counter: int, ratio: float, out: Array) -> None:
    """out = x / (1 - ratio) where word i of (seed, counter) is at least ratio · 2^32, else 0.

    ``out`` may be ``x``. Words are those of `cafpy.ops.random`.
    """
    words = xp.empty(x.shape, xp.uint32)
    random_words.plain(xp, seed, counter, words)
    out[...] = xp.where(words >= threshold(ratio), x * scale(ratio), 0)


@dropout.body("numba")
def _(x: Array, seed: int, counter: int, ratio: float, out: Array) -> None:
    number = out.dtype.type
    _dropout(
        x.reshape(-1),
        np.uint64(seed),
        np.uint64(counter),
        np.uint32(threshold(ratio)),
        number(scale(ratio)),
        out.reshape(-1),
    )


def threshold(ratio: float) -> int:
    """The smallest word of an entry that is kept."""
    return min(round(ratio * 2**32), 2**32 - 1)


def scale(ratio: float) -> float:
    """What makes up for the zeros, so that the sum stays as it was on average."""
    return 1 / (1 - ratio)


@njit(parallel=True, cache=True)
def _dropout(x, seed, counter, threshold, scale, out):
    for chunk in prange((out.size + CHUNK - 1) // CHUNK):
        words = np.empty(CHUNK, np.uint32)
        draw(seed, counter, chunk, words)
        source = x[chunk * CHUNK : (chunk + 1) * CHUNK]
        target = out[chunk * CHUNK : (chunk + 1) * CHUNK]
        for i in range(target.size):
            kept = source[i] * scale
            target[i] = kept if words[i] >= threshold else out.dtype.type(0)
