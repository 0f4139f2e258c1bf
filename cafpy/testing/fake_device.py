"""A device without a device: numpy's numbers, a GPU's manners.

On :class:`FakeBackend` every routine runs its plain body, and a layer that mixes host arrays into device arrays, asks
for a value on the host, or calls what CuPy has not, fails with a TypeError or AttributeError. So such a mistake is
found on a machine that has no GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from cafpy.backend import Array, Backend
from cafpy.errors import CafpyError, DataError
from cafpy.testing.fake_array import FakeArray, unwrap, words, wrapped

# in numpy 2.4, not in CuPy 14.0
_NOT_IN_CUPY = words(
    "asmatrix block bmat broadcast_shapes cumulative_prod cumulative_sum einsum_path emath errstate "
    "frompyfunc geomspace histogram_bin_edges insert isdtype longdouble ma matrix matrix_transpose matvec "
    "memmap nanpercentile nanquantile ndenumerate nditer polyder polydiv polyint seterr spacing strings "
    "unstack vecdot vecmat"
)
_WAITS = words("argwhere bincount compress extract flatnonzero histogram nonzero trim_zeros unique")
_HOST_SIZES = words("arange empty eye identity linspace ones tri zeros")
_UPLOADS = words("array asarray")
_UFUNC_ARGUMENTS = words("out dtype casting")


class DeviceNumpy(ModuleType):
    """numpy as CuPy has it: the same functions, for the fake device's arrays only."""

    def __init__(self, host: ModuleType):
        super().__init__(f"fake_{host.__name__}")
        self._numpy = host

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = self._made(name)
        setattr(self, name, value)
        return value

    def _made(self, name: str) -> Any:
        if name in _NOT_IN_CUPY:
            raise AttributeError(f"xp.{name}: CuPy has no such function")
        if name == "random":
            raise AttributeError("xp.random: its numbers differ from device to device; draw with cafpy.ops.random")
        if name == "ndarray":
            return FakeArray
        if name == "vectorize":
            return lambda function, **options: wrapped(np.vectorize(function, **options), "a vectorized function")
        value = getattr(self._numpy, name)
        if isinstance(value, ModuleType):
            return DeviceNumpy(value)
        if isinstance(value, np.ufunc):
            return DeviceUfunc(value)
        if callable(value) and not isinstance(value, type):
            return _function(value, name)
        return value


class DeviceUfunc:
    """A ufunc with the methods that CuPy's have."""

    def __init__(self, ufunc: np.ufunc):
        name = f"xp.{ufunc.__name__}"
        self.name = name
        self._call = wrapped(ufunc, name)
        self.at = wrapped(ufunc.at, f"{name}.at")
        if ufunc.nin == 2 and ufunc.nout == 1:
            self.outer = wrapped(ufunc.outer, f"{name}.outer")
            self.reduce = wrapped(ufunc.reduce, f"{name}.reduce")
            self.accumulate = wrapped(ufunc.accumulate, f"{name}.accumulate")

    def __call__(self, *args: Any, **options: Any) -> Any:
        unknown = options.keys() - _UFUNC_ARGUMENTS
        if unknown:
            raise TypeError(f"{self.name}: CuPy's has no argument '{min(unknown)}'")
        return self._call(*args, **options)


def _function(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    on_device = wrapped(function, f"xp.{name}")

    def call(*args: Any, **options: Any) -> Any:
        if name in _WAITS or (name == "where" and len(args) == 1):
            raise TypeError(f"xp.{name} waits for the device to know the size of its result; use a mask")
        if name in _HOST_SIZES and any(isinstance(arg, FakeArray) for arg in args):
            raise TypeError(f"xp.{name} needs its sizes on the host, but was given a device array")
        if name in _UPLOADS and not isinstance(args[0], FakeArray):
            return FakeArray(np.array(*args, **options))
        out = on_device(*args, **options)
        if name.startswith("empty"):
            _spoil(out)
        # numpy answers these on the host, CuPy with an array
        return FakeArray(np.asarray(out)) if isinstance(out, bool) else out

    return call


def _spoil(array: FakeArray) -> None:
    """New memory on a device holds whatever was there before."""
    if array.dtype.kind == "f":
        array.fill(np.nan)
    elif array.dtype.kind in "iu":
        array.fill(np.iinfo(array.dtype).max)


class FakeBackend(Backend):
    """Host memory that nobody reaches but through ``upload`` and ``to_host``; plain bodies only.

    As on a GPU, what :meth:`require` found is only raised by :meth:`raise_pending`.
    """

    name = "fake device"
    xp: ModuleType = DeviceNumpy(np)

    def __init__(self) -> None:
        self._pending: list[tuple[Array, Callable[[], str], type[CafpyError]]] = []

    def upload(self, target: Array, host: np.ndarray) -> None:
        if isinstance(host, FakeArray) or not isinstance(target, FakeArray):
            raise TypeError("upload copies a host array into a device array")
        if target.shape != np.shape(host):
            raise ValueError(f"upload: the device array has shape {target.shape}, the host array {np.shape(host)}")
        unwrap(target, "upload")[...] = host

    def to_host(self, array: Array) -> np.ndarray:
        if not isinstance(array, FakeArray):
            raise TypeError(f"to_host was given {type(array).__name__}, not a device array")
        return np.array(unwrap(array, "to_host"))

    def require(self, ok: Array, explain: Callable[[], str], error: type[CafpyError] = DataError) -> None:
        if not isinstance(ok, FakeArray) or ok.size != 1:
            raise TypeError("require wants a device array of one element")
        self._pending.append((ok, explain, error))

    def raise_pending(self) -> None:
        pending, self._pending = self._pending, []
        for ok, explain, error in pending:
            if not self.to_host(ok):
                raise error(explain())
