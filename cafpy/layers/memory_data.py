"""MemoryData: batches of arrays that the program gives."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from cafpy.blob import Blob
from cafpy.errors import DataError
from cafpy.layer import Layer, shape_text

logger = logging.getLogger(__name__)


class MemoryData(Layer):
    """Hands out batches of images and labels that the program around the net gives it with `set_arrays` (in pycaffe:
    `net.set_input_arrays`); after the last batch the first comes again.

    Shapes: tops batch_size × channels × height × width and batch_size labels; from the first pass on the labels are
    batch_size × 1 × 1 × 1, as in Caffe.

    Options (memory_data_param):
        batch_size, channels, height, width: all required.

    transform_param is not applied to arrays, as in Caffe, which is warned of: give them as the net wants them, in the
    order in which they are to come.

    ```
    layer {
      name: "data" type: "MemoryData" top: "data" top: "label"
      memory_data_param { batch_size: 32 channels: 3 height: 227 width: 227 }
    }
    ```
    """

    bottoms = 0
    tops = 2
    options_field = "memory_data_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        options = self.options
        self.item_shape = (options.channels, options.height, options.width)
        sizes = {"batch_size": options.batch_size} | dict(zip(ITEM_AXES, self.item_shape, strict=True))
        missing = [name for name, size in sizes.items() if not size]
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            raise self.error(
                f"{', '.join(missing)} {verb} missing; write "
                "`memory_data_param { batch_size: 32 channels: 3 height: 227 width: 227 }`"
            )
        if self.param.HasField("transform_param"):
            logger.warning("%s: transform_param is ignored; give the arrays as the net wants them", self.where)
        self.batch_size: int = options.batch_size
        self.batches = 0  # handed out since the arrays were set
        self.arrays: tuple[np.ndarray, np.ndarray] | None = None
        top[0].reshape((self.batch_size, *self.item_shape))
        top[1].reshape((self.batch_size,))

    def set_arrays(self, data: Any, labels: Any) -> None:
        """Hand out these from the next pass on, beginning with the first.

        ``data`` is N×channels×height×width, ``labels`` N numbers of any shape; N is a multiple of batch_size. They are
        not copied if they are float32 (the net's number type) and contiguous: do not change them while in use.
        Raises DataError when they do not fit.
        """
        data, labels = (np.ascontiguousarray(values, self.dtype) for values in (data, labels))
        if data.ndim != 4 or data.shape[1:] != self.item_shape:
            raise DataError(
                f"{self.where}: data of shape {shape_text(data.shape)} came; wanted N×{shape_text(self.item_shape)} "
                "(N×channels×height×width)"
            )
        if labels.size != len(data):
            raise DataError(
                f"{self.where}: labels of shape {shape_text(labels.shape)} came for {len(data)} items; wanted one "
                "number an item"
            )
        if not len(data) or len(data) % self.batch_size:
            raise DataError(
                f"{self.where}: {len(data)} items came; wanted a multiple of batch_size {self.batch_size}, for the "
                "last batch must be full too"
            )
        self.arrays = data, labels.reshape(-1, 1, 1, 1)
        self.batches = 0

    def set_batch_size(self, batch_size: int) -> None:
        """Hand out this many items at a time from now on; arrays must be set anew if it does not divide theirs."""
        if batch_size < 1:
            raise DataError(f"{self.where}: batch_size {batch_size} came; it must be at least 1")
        self.batch_size = batch_size
        self.batches = 0
        if self.arrays is not None and len(self.arrays[0]) % batch_size:
            self.arrays = None

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        top[0].reshape((self.batch_size, *self.item_shape))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if self.arrays is None:
            raise self.error(
                "has no data yet; give it some before forward, with set_arrays(data, labels) "
                "(net.set_input_arrays in pycaffe)"
            )
        turn = self.batches * self.backend.world + self.backend.rank  # ranks take the batches in turn
        first = turn * self.batch_size % len(self.arrays[0])
        for blob, values in zip(top, self.arrays, strict=True):
            batch = values[first : first + self.batch_size]
            if blob.shape != batch.shape:
                blob.reshape(batch.shape)
            self.backend.upload(blob.data, batch)
        self.batches += 1

    def records(self) -> int | None:
        return None if self.arrays is None else len(self.arrays[0])

    def state(self) -> dict[str, int]:
        return {"batches": self.batches}

    def load_state(self, state: dict[str, int]) -> None:
        self.batches = state["batches"]


ITEM_AXES = ("channels", "height", "width")
