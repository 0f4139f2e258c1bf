"""What the kernels share that go over blobs channel by channel: items × channels × positions."""

from __future__ import annotations

from functools import cache

import numpy as np
from numba import njit

SMALL = 1 << 14  # entries of a blob; fewer are not worth waking threads for

# For the loop over one channel. Sums may be added in any order (or they would not become SIMD); inf and nan keep their
# meaning.
one_channel = njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})

# For the loop over all channels, a channel a thread: a second pass over a channel finds it in the thread's cache.
all_channels = njit(cache=True, error_model="numpy", parallel=True)


@cache
def absent(dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Empty arrays of one and of three axes, which stand for None in a kernel: so one compiled kernel does for all."""
    return np.empty(0, dtype), np.empty((0, 0, 0), dtype)
