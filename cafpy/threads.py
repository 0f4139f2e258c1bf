"""Threads: Numba's for our kernels, one BLAS for numpy's own products, one for the products inside kernels.

NumPy and SciPy wheels each bring an OpenBLAS of their own. NumPy's serves `numpy.matmul` and may use every thread.
SciPy's is called from inside parallel Numba kernels (`cafpy.ops.kernel.blas`), where each thread wants a product of its
own, so it is held at one thread. Where both are one library (a distribution's), one thread is the safe choice for both.
"""

from __future__ import annotations

import os

SPINS = 3000  # turns of libgomp's waiting loop


def set_threads(threads: int) -> int:
    """Use ``threads`` threads, or as many as Numba has started with if that is less, from this thread on; returns the
    number."""
    # Read when Numba starts its threads. Without it one that waits for work keeps its core busy for milliseconds, while
    # NumPy's BLAS or another process wants it: a small kernel and a product in turns took 30 ms instead of 0.3.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # But GNU's threads wait awake for some 0.1 ms, from one layer to the next: to wake one takes 15 µs, a fifth of the
    # time of LeNet's step and of a small net's single image.
    os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))

    import numba
    import numpy.linalg  # noqa: F401  (loads NumPy's BLAS, so that it is found below)
    import scipy.linalg.cython_blas  # noqa: F401  (likewise SciPy's)
    from threadpoolctl import ThreadpoolController

    count = min(threads, int(numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
    numba.set_num_threads(count)
    libraries = [lib for lib in ThreadpoolController().lib_controllers if lib.user_api == "blas"]
    for lib in libraries:
        lib.set_num_threads(count if _is_numpys(lib.filepath) else 1)
    return count


def _is_numpys(path: str) -> bool:
    return "numpy.libs" in path or "numpy/.dylibs" in path
