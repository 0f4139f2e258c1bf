"""Work space that routines share, because they run one after the other and none needs what is in it afterwards."""

from __future__ import annotations

import threading

import numpy as np

CACHE_LINE = 64  # bytes


class _Buffers(threading.local):
    """Nets may run at once in threads of their own."""

    def __init__(self) -> None:
        self.by_dtype: dict[np.dtype, np.ndarray] = {}


_own = _Buffers()


def workspace(size: int, dtype: np.dtype) -> np.ndarray:
    """``size`` elements of host memory with any contents, until this thread asks again.

    There is one buffer for each thread and dtype; it grows to the largest size asked for and stays.
    """
    buffers = _own.by_dtype
    buffer = buffers.get(dtype)
    if buffer is None or buffer.size < size:
        buffers.pop(dtype, None)  # given back before the larger one is taken
        buffer = buffers[dtype] = _aligned(size, dtype)
    return buffer[:size]


def _aligned(size: int, dtype: np.dtype) -> np.ndarray:
    """An array at the beginning of a line of a cache: vectors that cross lines take twice as long to store."""
    room = np.empty(size * dtype.itemsize + CACHE_LINE, np.uint8)
    start = -room.ctypes.data % CACHE_LINE
    return room[start : start + size * dtype.itemsize].view(dtype)
