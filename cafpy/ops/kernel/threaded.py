"""Kernels whose loop over threads is compiled once for all of them.

A kernel with `numba.prange` is optimised several times over, with all that it calls: some seconds each for the large
ones. Here a kernel is only what one thread does, compiled as a C function; the parallel loop calls it by its address.

    @threaded
    def twice(thread, threads, numbers, indices, x, y, c, d, e):
        for i in range(thread * x.size // threads, (thread + 1) * x.size // threads):
            y[i] = 2 * x[i]

    twice(threads, numbers, indices, x, y)

All kernels take the same arguments: integers in ``numbers`` (int64) and ``indices`` (int32), and five arrays of one
dtype, float32 or float64. All are flat in the kernel and of any shape, C-contiguous, outside; those left out are empty.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import update_wrapper
from pathlib import Path
from types import FunctionType
from typing import Any, Protocol

import numpy as np
from llvmlite import ir
from numba import cfunc, extending, njit, prange, types
from numba.core import errors
from numba.core.caching import FunctionCache

from cafpy.backend import Array

intrinsic: Any = extending.intrinsic  # typed as if it left its functions' first argument to the caller
_ARRAYS = 5
NO_NUMBERS = np.empty(0, np.int64)
NO_INDICES = np.empty(0, np.int32)


class Elsewhere(Protocol):
    """Where a kernel is being compiled."""

    def wait_for(self, name: str) -> None:
        """Until the kernel of this name is compiled, or will not be."""


class Threaded:
    """A kernel; compiled for a dtype when first called with it, and cached on disk.

    Attributes:
        name: its module's name, a colon and its own.
        elsewhere: another process that compiles it (`cafpy.ops.kernel.ahead`), if any does.
    """

    def __init__(self, function: Callable[..., Any]):
        self.function = function
        self.name = f"{function.__module__}:{function.__name__}"
        self.elsewhere: Elsewhere | None = None
        self._compiled: dict[np.dtype, tuple[Any, int, tuple[Array, ...]]] = {}
        update_wrapper(self, function)

    def __call__(self, threads: int, numbers: Array, indices: Array, *arrays: Array) -> None:
        """Run the kernel ``threads`` times, as thread 0, 1 …, each on its own thread if there are so many.

        Raises TypeError when an array is not of the kernel's kind.
        """
        dtype = arrays[0].dtype
        for array in arrays:
            # of another array a flat view would be a copy, and what the kernel writes would be lost
            if array.dtype is not dtype or not array.flags.c_contiguous:
                raise TypeError(f"{self.function.__name__} wants C-contiguous arrays of {dtype}, not {_kind(array)}")
        if dtype not in self._compiled:
            self.compile(dtype)
        _, address, empty = self._compiled[dtype]
        flat = [array.reshape(-1) for array in arrays]
        run = _serially if threads == 1 else _in_parallel
        run(address, threads, numbers, indices.reshape(-1), *flat, *empty[len(flat) :])

    def is_cached(self) -> bool:
        """Whether it has been compiled before, for any dtype."""
        function = _named_by_sources(self.function)
        return any(Path(FunctionCache(function).cache_path).glob(f"*.{function.__name__}-*.nbi"))

    def compile(self, dtype: np.dtype) -> None:
        """Compile it for float32 or float64 arrays, or load it from disk."""
        if self.elsewhere is not None:
            self.elsewhere.wait_for(self.name)
            self.elsewhere = None
        number = types.float32 if dtype == np.float32 else types.float64
        array = types.Array(number, 1, "C")
        signature = types.void(types.intp, types.intp, types.int64[::1], types.int32[::1], *(array,) * _ARRAYS)
        compiled: Any = cfunc(signature, cache=True, error_model="numpy")(_named_by_sources(self.function))
        self._compiled[dtype] = compiled, compiled.address, (np.empty(0, dtype),) * _ARRAYS


def _kind(array: Array) -> str:
    return f"{array.dtype} with strides {array.strides}"


def threaded(function: Callable[..., Any]) -> Threaded:
    """Decorator: the function is a kernel ``(thread, threads, numbers, indices, a, b, c, d, e)``."""
    return Threaded(function)


def _named_by_sources(function: Any) -> Any:
    """The function under a name that changes when a source does that is compiled into it: Numba's cache on disk knows a
    function by its name, and looks for changes only at its own file."""
    files = sorted({function.__code__.co_filename for function in _compiled_into(function, set())})
    sources = b"".join(Path(file).read_bytes() for file in files)
    name = f"{function.__name__}_{zlib.crc32(sources):08x}"
    code = function.__code__.replace(co_name=name, co_qualname=name)
    renamed = FunctionType(code, function.__globals__, name)
    renamed.__module__, renamed.__qualname__ = function.__module__, name
    return renamed


def _compiled_into(function: Any, seen: set[Any]) -> Iterator[Any]:
    """The function and all Numba functions that it calls, directly or not."""
    seen.add(function)
    yield function
    named = [function.__globals__.get(name) for name in function.__code__.co_names]
    for called in named + [cell.cell_contents for cell in function.__closure__ or ()]:
        python = getattr(called, "py_func", None) or getattr(called, "_defn", None)
        if python is not None and python not in seen:
            yield from _compiled_into(python, seen)


@intrinsic
def _call(typingctx: Any, address: Any, arguments: Any) -> Any:
    """Call the C function at this address with the elements of a tuple."""
    if arguments[2:4] != (types.int64[::1], types.int32[::1]):
        raise errors.TypingError(f"a kernel's numbers are int64 and its indices int32, not {arguments[2:4]}")

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address, values = args
        kinds = [context.get_value_type(kind) for kind in signature.args[1]]
        function = builder.inttoptr(address, ir.FunctionType(ir.VoidType(), kinds).as_pointer())
        builder.call(function, [builder.extract_value(values, i) for i in range(len(kinds))])
        return context.get_dummy_value()

    return types.void(address, arguments), generate


@njit(nogil=True, cache=True)
def _serially(address, threads, numbers, indices, a, b, c, d, e):
    for thread in range(threads):
        _call(address, (thread, threads, numbers, indices, a, b, c, d, e))


@njit(nogil=True, cache=True, parallel=True)
def _in_parallel(address, threads, numbers, indices, a, b, c, d, e):
    for thread in prange(threads):
        _call(address, (np.intp(thread), threads, numbers, indices, a, b, c, d, e))
