"""What the kernels share that go over blobs channel by channel: items × channels × positions.

Each thread takes whole channels, so that a second pass over a channel finds it in the thread's cache.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import get_num_threads, njit

from cafpy.backend import Array

_SMALL = 1 << 14  # entries; fewer are not worth waking threads for

# For loops that add up: in any order, or they would not become SIMD. inf and nan keep their meaning.
summing = njit(error_model="numpy", fastmath={"reassoc", "contract", "nsz"})


def threads_for(x: Array) -> int:
    """How many threads to use for an array of this size."""
    return 1 if x.size < _SMALL else get_num_threads()


@lru_cache(maxsize=1024)
def numbers(shape: tuple[int, int, int], in_place: bool) -> Array:
    """The numbers that channel kernels get: items, channels, positions, whether they work in place."""
    return np.array([*shape, in_place], np.int64)


@lru_cache
def absent(dtype: np.dtype) -> Array:
    """The empty array that stands for None in a kernel."""
    return np.empty(0, dtype)
