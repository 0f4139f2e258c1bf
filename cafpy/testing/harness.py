"""A layer with its blobs, outside of any net: what a net does for one layer, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cafpy.backend import Backend
from cafpy.blob import Blob
from cafpy.net_builder import put_loss_weights
from cafpy.proto import cafpy_pb2 as pb
from cafpy.registry import layer_class
from cafpy.wiring import check_counts, loss_weights, needed_tops


class Harness:
    """One layer, built and shaped, with its bottom and top blobs.

    Attributes:
        layer: the layer.
        bottom, top: its blobs; a top named as a bottom is the same blob (in place).

    Raises NetError or LayerError when the layer cannot be built.
    """

    def __init__(
        self,
        param: Any,
        bottoms: Sequence[np.ndarray],
        backend: Backend | None = None,
        phase: int = pb.TEST,
        dtype: Any = np.float32,
        seed: int = 0,
    ):
        backend = backend or Backend()
        self.layer = layer_class(param.type)(param, backend, phase, dtype, seed)
        check_counts(self.layer)
        self.bottom = [Blob(backend, np.shape(values), dtype) for values in bottoms]
        self.top = [self._top(i) for i in range(max(len(param.top), needed_tops(self.layer)))]
        for i, values in enumerate(bottoms):
            self.set_bottom(i, values)
        self.layer.setup(self.bottom, self.top)
        self.layer.reshape(self.bottom, self.top)
        self.layer.loss_weights = loss_weights(self.layer, len(self.top))
        put_loss_weights(self.layer, self.top)
        self._shapes = self._bottom_shapes()

    def _top(self, index: int) -> Blob:
        param = self.layer.param
        in_place = index < min(len(param.top), len(param.bottom)) and param.top[index] == param.bottom[index]
        if not in_place:
            return Blob(self.layer.backend, (), self.layer.dtype)
        if not self.layer.in_place:
            raise self.layer.error(f"cannot work in place: give it a top of another name than '{param.top[index]}'")
        return self.bottom[index]

    def set_bottom(self, index: int, values: np.ndarray) -> None:
        """Give bottom ``index`` the shape and the values of this host array."""
        blob = self.bottom[index]
        blob.reshape(np.shape(values))
        self.layer.backend.upload(blob.data, np.asarray(values, blob.dtype))

    def set_top_diff(self, index: int, values: np.ndarray) -> None:
        """Give the gradient of top ``index`` these values."""
        blob = self.top[index]
        self.layer.backend.upload(blob.diff, np.asarray(values, blob.dtype))

    def reshape(self) -> None:
        """Pass the bottoms' shapes on, as a net does before forward when one has changed."""
        self._shapes = self._bottom_shapes()
        self.layer.reshape(self.bottom, self.top)
        put_loss_weights(self.layer, self.top)

    def forward(self) -> list[np.ndarray]:
        """Run forward, after a reshape where a net would do one; returns copies of the tops' data."""
        if self._bottom_shapes() != self._shapes or self.layer.reshape_always:
            self.reshape()
        self.layer.forward(self.bottom, self.top)
        self.layer.backend.raise_pending()
        return self.data(self.top)

    def backward(self, propagate_down: Sequence[bool]) -> None:
        """Run backward from the tops' gradients as they are; parameter gradients are added to."""
        self.layer.backward(self.top, list(propagate_down), self.bottom)
        self.layer.backend.raise_pending()

    def clear_param_diffs(self) -> None:
        """Set the parameters' gradients to zero, as a net does before each iteration."""
        for blob in self.layer.blobs:
            blob.diff[...] = 0

    def data(self, blobs: Sequence[Blob]) -> list[np.ndarray]:
        """Copies of the blobs' data on the host."""
        return [np.array(self.layer.backend.to_host(blob.data)) for blob in blobs]

    def diff(self, blobs: Sequence[Blob]) -> list[np.ndarray]:
        """Copies of the blobs' gradients on the host."""
        return [np.array(self.layer.backend.to_host(blob.diff)) for blob in blobs]

    def close(self) -> None:
        """Let go of the layer's files and threads."""
        self.layer.close()

    def _bottom_shapes(self) -> list[tuple[int, ...]]:
        return [blob.shape for blob in self.bottom]
