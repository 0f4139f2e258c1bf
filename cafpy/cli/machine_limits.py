"""What this machine can do at best: the products and the copies that layers are measured against."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from cafpy.backend import Array, Backend

_SIDE = 2048  # of the matrices: 50 MB for three of them, beyond most caches, and 17 GFLOP
_COPIED = 1 << 26  # elements: 256 MB, beyond every cache


class Limits(NamedTuple):
    """GFLOP/s of a large float32 product and GB/s of a large copy, bytes read and written counted."""

    gflops: float
    gbytes: float


def measure_limits(backend: Backend, repeats: int = 7) -> Limits:
    """The best of some runs of each; takes a second or two, and half a gigabyte of memory meanwhile."""
    xp = backend.xp
    a, b = (backend.zeros((_SIDE, _SIDE), np.float32) for _ in range(2))
    a[...], b[...] = 1, 1
    gflops = 2 * _SIDE**3 / _best(backend, lambda: xp.matmul(a, b), repeats) / 1e9
    source, target = (backend.zeros(_COPIED, np.float32) for _ in range(2))
    source[...] = 1
    gbytes = 2 * source.nbytes / _best_copy(backend, source, target, repeats) / 1e9
    return Limits(gflops, gbytes)


def _best_copy(backend: Backend, source: Array, target: Array, repeats: int) -> float:
    """Seconds of a copy on all threads: one alone does not always fill the memory's bus."""
    if backend.xp is not np:
        return _best(backend, lambda: backend.xp.copyto(target, source), repeats)
    threads = getattr(backend, "threads", 1)
    parts = [slice(_COPIED * i // threads, _COPIED * (i + 1) // threads) for i in range(threads)]
    with ThreadPoolExecutor(threads) as pool:  # numpy lets go of the interpreter's lock while it copies
        return _best(backend, lambda: list(pool.map(lambda p: np.copyto(target[p], source[p]), parts)), repeats)


def _best(backend: Backend, run: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        backend.synchronize()
        begin = time.perf_counter()
        run()
        backend.synchronize()
        times.append(time.perf_counter() - begin)
    return min(times)
