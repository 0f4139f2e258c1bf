"""Element-wise routines from one scalar Python function: plain, compiled for the CPU, compiled for the GPU.

    def relu(x, negative_slope):
        return x if x > 0 else negative_slope * x

    forward = Elementwise(relu)
    forward(backend, (x,), (0.1,), y)       # y[i] = relu(x[i], 0.1)

The scalar function may use arithmetic, comparisons, `a if c else b`, `if`/`return`, local names, and NumPy's scalar
functions (``np.exp``, ``np.tanh`` …); what else Python has, the GPU has not (see `cafpy.ops.elementwise_cuda`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
from numba import njit, prange

from cafpy.backend import Array
from cafpy.ops.routine import Routine

Scalar = Callable[..., Any]


class Elementwise(Routine):
    """A routine ``(backend, arrays, options, out)``: ``out[i] = scalar(*(a[i] for a in arrays), *options)``.

    ``arrays`` (1 to 3) and ``out`` have one shape, dtype and C order; ``out`` may be one of them. ``options`` are
    numbers. Numbers in the scalar function count in the arrays' dtype, so single precision stays single. Division by
    zero gives inf or nan, as in C.
    """

    def __init__(self, scalar: Scalar):
        super().__init__(self._plain)
        self.scalar = scalar
        self.bodies = {"numba": self._numba, "cuda": self._cuda}
        self._kernels: dict[np.dtype, Callable[..., None]] = {}
        self._cuda_kernel: Callable[..., Any] | None = None

    def _plain(self, xp: Any, arrays: Sequence[Array], options: Sequence[float], out: Array) -> None:
        """One Python call an element, in double precision: slow, and the definition."""
        if not out.size:
            return
        # NumPy's floats divide as C does, where Python's raise ZeroDivisionError
        wide = [np.float64(option) for option in options]
        element = xp.vectorize(lambda *values: self.scalar(*map(np.float64, values), *wide), otypes=[out.dtype])
        with np.errstate(all="ignore"):
            out[...] = element(*arrays)

    def _numba(self, arrays: Sequence[Array], options: Sequence[float], out: Array) -> None:
        kernel = self._kernels.get(out.dtype)
        if kernel is None:
            kernel = self._kernels[out.dtype] = _compile(self.scalar, len(arrays), out.dtype)
        number = out.dtype.type
        kernel(*(a.reshape(-1) for a in arrays), out.reshape(-1), tuple(number(option) for option in options))

    def _cuda(self, arrays: Sequence[Array], options: Sequence[float], out: Array) -> None:
        if self._cuda_kernel is None:
            from cafpy.ops.elementwise_cuda import compile_cuda

            self._cuda_kernel = compile_cuda(self.scalar, len(arrays), len(options))
        self._cuda_kernel(*arrays, *options, out)


def _compile(scalar: Scalar, count: int, dtype: np.dtype) -> Callable[..., None]:
    """The loop over ``count`` arrays around ``scalar``, compiled on its first call and cached on disk.

    Numba's cache belongs to a function's file and knows it by its name. So the loop gets the file of the scalar
    function (an edit there makes the cache stale, as it should) and a name that says what is in it.
    """
    names = {
        **scalar.__globals__,
        **{name: _vectorising_numpy() for name, value in scalar.__globals__.items() if value is np},
    }
    number = dtype.type
    code = scalar.__code__
    literals = tuple(number(c) if type(c) in (int, float) else c for c in code.co_consts)
    inner = FunctionType(code.replace(co_consts=literals), names, scalar.__name__, None, scalar.__closure__)

    loop = _LOOPS[count]
    name = f"{scalar.__qualname__}_{dtype.name}_{_sources()}".replace("<", "").replace(">", "")
    code = loop.__code__.replace(co_filename=code.co_filename, co_name=name, co_qualname=name)
    names = {**loop.__globals__, "_scalar": njit(forceinline=True, error_model="numpy")(inner)}
    outer = FunctionType(code, names, name)
    outer.__qualname__ = name
    try:
        return njit(cache=True, parallel=True, error_model="numpy")(outer)
    except RuntimeError:  # the function comes from no file (a shell), so there is no place to cache it
        return njit(parallel=True, error_model="numpy")(outer)


@cache
def _vectorising_numpy() -> ModuleType:
    """NumPy's names, with the functions of `cafpy.ops.kernel.vector_math` in place of those that prevent SIMD."""
    from cafpy.ops.kernel import vector_math

    module = ModuleType("numpy")
    vars(module).update(vars(np), exp=vector_math.exp, log=vector_math.log, tanh=vector_math.tanh)
    return module


@cache
def _sources() -> str:
    """Changes when the code does that is compiled into every kernel and that Numba's cache does not look at."""
    from cafpy.ops.kernel import vector_math

    files = (Path(__file__), Path(vector_math.__file__))
    return f"{zlib.crc32(b''.join(file.read_bytes() for file in files)):08x}"


# The loops that _compile binds to a scalar function. Small arrays are not worth waking threads for. In the parallel
# branch Numba lets LLVM assume that arrays do not overlap, so that it becomes SIMD in place too.
_SMALL = 8192


def _scalar(*values):
    raise NotImplementedError("_compile puts a scalar function here")


def _loop_of_1(a, out, options):
    if out.size <= _SMALL:
        for i in range(out.size):
            out[i] = _scalar(a[i], *options)
    else:
        for i in prange(out.size):
            out[i] = _scalar(a[i], *options)


def _loop_of_2(a, b, out, options):
    if out.size <= _SMALL:
        for i in range(out.size):
            out[i] = _scalar(a[i], b[i], *options)
    else:
        for i in prange(out.size):
            out[i] = _scalar(a[i], b[i], *options)


def _loop_of_3(a, b, c, out, options):
    if out.size <= _SMALL:
        for i in range(out.size):
            out[i] = _scalar(a[i], b[i], c[i], *options)
    else:
        for i in prange(out.size):
            out[i] = _scalar(a[i], b[i], c[i], *options)


_LOOPS = {1: _loop_of_1, 2: _loop_of_2, 3: _loop_of_3}
