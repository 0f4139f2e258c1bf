"""Gradient of a bias that each map has."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from cafpy.backend import Array
from cafpy.ops.kernel.chunks import total
from cafpy.ops.kernel.threaded import NO_INDICES, threaded
from cafpy.ops.routine import routine

SERIAL = 1 << 15  # elements that one thread adds up before others would have been woken


@routine
def add_bias_gradient(xp: Any, dy: Array, dbias: Array) -> None:
    """dbias (maps,) += dy (images, maps, pixels), summed over images and pixels."""
    dbias += dy.sum(axis=(0, 2))


@add_bias_gradient.body("numba")
def _(dy: Array, dbias: Array) -> None:
    threads = 1 if dy.size < SERIAL else numba.get_num_threads()
    _add_bias_gradient(threads, np.array(dy.shape, np.int64), NO_INDICES, dy, dbias)


@threaded
def _add_bias_gradient(thread, threads, numbers, indices, dy, dbias, c, d, e):
    """This thread's share of maps."""
    images, maps, pixels = numbers[0], numbers[1], numbers[2]
    for k in range(thread * maps // threads, (thread + 1) * maps // threads):
        for n in range(images):
            start = (n * maps + k) * pixels
            dbias[k] += total(dy, start, start + pixels)
