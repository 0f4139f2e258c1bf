"""Blobs as the classes of Python layers see them: what pycaffe's blobs have, with arrays on the host."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cafpy.blob import Blob
from cafpy.errors import LayerError
from cafpy.layer import Layer, shape_text

LEGACY_AXES = 4


class PythonBlob:
    """A blob with numpy arrays ``data`` and ``diff``.

    On the CPU they are the blob's own memory. On a GPU they are copies, made when first asked for in a call of the
    user's method and copied back after it: do not keep them for the next call.
    """

    def __init__(self, blob: Blob, reshapable: bool = True):
        self._blob = blob
        self._reshapable = reshapable
        self._copies: dict[str, np.ndarray] = {}

    @property
    def data(self) -> np.ndarray:
        return self._host("data")

    @property
    def diff(self) -> np.ndarray:
        return self._host("diff")

    @property
    def shape(self) -> tuple[int, ...]:
        return self._blob.shape

    @property
    def count(self) -> int:
        return self._blob.count

    @property
    def num(self) -> int:
        return self._legacy(0)

    @property
    def channels(self) -> int:
        return self._legacy(1)

    @property
    def height(self) -> int:
        return self._legacy(2)

    @property
    def width(self) -> int:
        return self._legacy(3)

    def reshape(self, *shape: int) -> None:
        """Change the shape, ``reshape(2, 3)`` or ``reshape((2, 3))``; no number makes a single value. The values are
        lost. A bottom keeps its shape, for it belongs to the layer that makes it."""
        given = shape[0] if len(shape) == 1 and np.ndim(shape[0]) else shape
        wanted = tuple(int(n) for n in np.ravel(given))
        if wanted == self.shape:
            return
        if not self._reshapable:
            raise ValueError(f"a bottom of shape {shape_text(self.shape)} cannot be reshaped to {shape_text(wanted)}")
        if any(n < 0 for n in wanted):
            raise ValueError(f"a shape has no negative numbers, but {shape_text(wanted)} came")
        self._copies.clear()
        self._blob.reshape(wanted)

    def write_back(self) -> None:
        """Copy what was looked at, and perhaps changed, to where the blob lives."""
        for side, host in self._copies.items():
            self._blob.backend.upload(getattr(self._blob, side), host)
        self._copies.clear()

    def _host(self, side: str) -> np.ndarray:
        if side in self._copies:
            return self._copies[side]
        array = getattr(self._blob, side)
        host = self._blob.backend.to_host(array)
        if host is not array:
            self._copies[side] = host
        return host

    def _legacy(self, axis: int) -> int:
        """The length of an axis of a blob with four of them; missing ones count 1."""
        shape = self.shape
        if len(shape) > LEGACY_AXES:
            raise ValueError(
                f"a blob of shape {shape_text(shape)} has no num, channels, height and width; use shape[{axis}]"
            )
        return shape[axis] if axis < len(shape) else 1

    def __repr__(self) -> str:
        return f"<blob of shape {shape_text(self.shape)}>"


class PythonParameters:
    """``self.blobs`` of a Python layer's class: its parameters, a list that :meth:`add_blob` makes longer."""

    def __init__(self, layer: Layer):
        self._layer = layer
        self._blobs: list[PythonBlob] = []
        self._open = True

    def add_blob(self, *shape: int) -> PythonBlob:
        """A new parameter of this shape, zeros; in ``setup`` only. Returns it."""
        if not self._open:
            raise LayerError("parameters can be added in setup only")
        blob = PythonBlob(self._layer.add_param(shape), reshapable=False)
        self._blobs.append(blob)
        return blob

    def end_setup(self) -> None:
        self._open = False

    def __len__(self) -> int:
        return len(self._blobs)

    def __getitem__(self, index: int) -> PythonBlob:
        return self._blobs[index]

    def __iter__(self) -> Iterator[PythonBlob]:
        return iter(self._blobs)
