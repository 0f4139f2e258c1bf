"""Where arrays live, and which body of a routine runs there.

A :class:`Backend` is handed down from the solver to the net, its blobs and its layers. A layer uses ``backend.xp``
(numpy or cupy) for what a few array calls say, and passes the backend to the routines of ``cafpy.ops``, which pick
their own body by ``backend.bodies``. Nobody else asks which device it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from cafpy.errors import BackendError, CafpyError, DataError

Array = Any  # numpy.ndarray or cupy.ndarray: the two have the same methods but no common type


class Backend:
    """The plain NumPy backend: arrays in host memory, every routine in its defining body.

    Attributes:
        name: what errors and logs call it.
        xp: the array module.
        bodies: names of the fast bodies that may run here, best first; () means the plain body always.
        rank, world: of ``world`` processes or devices that train one net together this is number ``rank``, counted
            from 0. Data layers then read disjoint parts of their data, which together are the whole.
    """

    name: str = "cpu (plain)"
    xp: ModuleType = np
    bodies: tuple[str, ...] = ()
    rank: int = 0
    world: int = 1

    def zeros(self, shape: int | tuple[int, ...], dtype: Any) -> Array:
        """A new array of zeros on this device."""
        return self.xp.zeros(shape, dtype)

    def upload(self, target: Array, host: np.ndarray) -> None:
        """Copy a host array into ``target``, an array of this device of the same shape."""
        target[...] = host

    def to_host(self, array: Array) -> np.ndarray:
        """The values of ``array`` as a numpy array; the array itself where it is one already."""
        return np.asarray(array)

    def require(self, ok: Array, explain: Callable[[], str], error: type[CafpyError] = DataError) -> None:
        """Raise ``error(explain())`` unless the one-element boolean array ``ok`` is true.

        The way for a layer to check data without a trip to the host: on a GPU the answer is only looked at by
        :meth:`raise_pending`.
        """
        if not ok:
            raise error(explain())

    def raise_pending(self) -> None:
        """Raise the first error that :meth:`require` has noted and not raised yet."""

    def synchronize(self) -> None:
        """Wait until all work handed to the device is done."""


class CpuBackend(Backend):
    """NumPy arrays and Numba bodies on ``threads`` threads (all cores when None).

    ``winograd``: convolutions may use Winograd's algorithm where it is faster (`cafpy.ops.convolution.winograd.by_tile`
    tells how exact).
    """

    name = "cpu"
    bodies: tuple[str, ...] = ("numba",)

    def __init__(self, threads: int | None = None, winograd: bool = True):
        from cafpy.threads import set_threads  # loads Numba and SciPy, which nobody needs before

        if winograd:
            self.bodies = ("winograd", *self.bodies)
        self.threads = set_threads(default_threads() if threads is None else max(1, threads))


class GpuBackend(Backend):
    """CuPy arrays on CUDA device ``device``."""

    bodies = ("cuda",)

    def __init__(self, device: int = 0):
        self.xp = _import_cupy()
        count = self.xp.cuda.runtime.getDeviceCount()
        if not 0 <= device < count:
            raise BackendError(
                f"there is no GPU {device}: this machine has {count} (0 to {count - 1}). Use --gpu 0 or --cpu."
            )
        self.device = self.xp.cuda.Device(device)
        self.device.use()
        self.name = f"gpu {device}"
        self._pending: list[tuple[Array, Callable[[], str], type[CafpyError]]] = []

    def upload(self, target: Array, host: np.ndarray) -> None:
        target.set(np.ascontiguousarray(host, dtype=target.dtype))

    def to_host(self, array: Array) -> np.ndarray:
        return self.xp.asnumpy(array)

    def require(self, ok: Array, explain: Callable[[], str], error: type[CafpyError] = DataError) -> None:
        self._pending.append((ok, explain, error))

    def raise_pending(self) -> None:
        pending, self._pending = self._pending, []
        for ok, explain, error in pending:
            if not bool(ok):
                raise error(explain())

    def synchronize(self) -> None:
        self.device.synchronize()


def _import_cupy() -> ModuleType:
    try:
        import cupy
    except ImportError as error:
        raise BackendError(
            "a GPU was asked for, but CuPy is not installed. Install it with `pip install 'cafpy[cuda12]'` "
            "(or cuda13 for a CUDA 13 driver), or run with --cpu."
        ) from error
    if not cupy.cuda.is_available():
        raise BackendError(
            "a GPU was asked for and CuPy is installed, but there is no CUDA device or driver "
            "(does `nvidia-smi` work?). Run with --cpu to use the processor."
        )
    return cupy


def default_threads() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
