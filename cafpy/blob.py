"""Blob: an N-d array and its gradient, allocated when first touched and reused when reshaped."""

from __future__ import annotations

import sys
from math import prod
from typing import Any

import numpy as np

from cafpy.backend import Array, Backend
from cafpy.errors import NetError


class Storage:
    """Memory for one side (data or diff) of one or several blobs; grows, never shrinks."""

    __slots__ = ("backend", "dtype", "flat")

    def __init__(self, backend: Backend, dtype: Any):
        self.backend = backend
        self.dtype = dtype
        self.flat: Array | None = None

    def hold(self, count: int) -> Array:
        """The flat array, with room for at least ``count`` elements; zeros where it is new."""
        if self.flat is None or self.flat.size < count:
            self.flat = self.backend.zeros(count, self.dtype)
        return self.flat

    def move_to(self, flat: Array) -> None:
        """Live in ``flat`` from now on (a slice of an arena), keeping the values held so far."""
        if self.flat is not None:
            flat[...] = self.flat[: flat.size]
        self.flat = flat


class Blob:
    """An N-d array ``data`` with its gradient ``diff``, both of ``shape``.

    Memory is taken at first touch. ``reshape`` keeps it when it suffices, so a net can change its batch size back
    and forth without allocating. Views are cached: ``data`` costs no numpy call when nothing has changed.
    """

    __slots__ = (
        "_data",
        "_data_flat",
        "_data_view",
        "_diff",
        "_diff_flat",
        "_diff_view",
        "backend",
        "count",
        "dtype",
        "shape",
    )

    def __init__(self, backend: Backend, shape: tuple[int, ...] = (), dtype: Any = np.float32):
        self.backend = backend
        self.dtype = np.dtype(dtype)
        self._data = Storage(backend, self.dtype)
        self._diff = Storage(backend, self.dtype)
        self.shape: tuple[int, ...]
        self.count: int
        self._data_flat = self._diff_flat = self._data_view = self._diff_view = None
        self.reshape(shape)

    def reshape(self, shape: tuple[int, ...]) -> None:
        """Change the shape; values are kept only as far as the memory happens to hold them.

        Raises NetError when no array can have that shape.
        """
        shape = tuple(int(n) for n in shape)
        count = prod(shape)
        if min(shape, default=0) < 0 or count * self.dtype.itemsize > sys.maxsize:
            what = "negative" if min(shape) < 0 else "too large for any memory"
            raise NetError(f"the shape {'×'.join(map(str, shape))} is {what}; look at the options that it comes from")
        self.shape, self.count = shape, count
        self._data_flat = self._diff_flat = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def data(self) -> Array:
        flat = self._data.flat
        if flat is None or flat is not self._data_flat:
            flat = self._data_flat = self._data.hold(self.count)
            self._data_view = flat[: self.count].reshape(self.shape)
        return self._data_view

    @property
    def diff(self) -> Array:
        flat = self._diff.flat
        if flat is None or flat is not self._diff_flat:
            flat = self._diff_flat = self._diff.hold(self.count)
            self._diff_view = flat[: self.count].reshape(self.shape)
        return self._diff_view

    def share_data(self, other: Blob) -> None:
        """Use ``other``'s memory for data from now on. The counts must agree; the shapes may differ."""
        self._data = other._data
        self._data_flat = None

    def share_diff(self, other: Blob) -> None:
        """Use ``other``'s memory for the gradient from now on."""
        self._diff = other._diff
        self._diff_flat = None

    def data_memory(self) -> int:
        """The same number for all blobs whose data lie in one memory."""
        return id(self._data)

    def diff_memory(self) -> int:
        """The same number for all blobs whose gradients lie in one memory."""
        return id(self._diff)

    def move_to(self, data: Array, diff: Array) -> None:
        """Keep data and diff in these flat arrays of ``count`` elements from now on (slices of a net-wide arena)."""
        self.data, self.diff  # noqa: B018  (allocate, so that there is something to move)
        self._data.move_to(data)
        self._diff.move_to(diff)

    def __repr__(self) -> str:
        return f"Blob({' '.join(map(str, self.shape))} ({self.count}), {self.dtype}, {self.backend.name})"
