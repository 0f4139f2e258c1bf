"""ArgMax: where the largest values are."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cafpy.blob import Blob
from cafpy.layer import Layer
from cafpy.ops.top_k import top_k


class ArgMax(Layer):
    """Finds the index of the largest value (or of the ``top_k`` largest, largest first) of each item, or along one
    axis. Of equal values the one with the larger index counts as larger. There is no gradient.

    Shapes: with ``axis``, that axis becomes top_k long. Without, all values of an item are searched together:
    bottom N × … → top N × 1 × top_k, or N × 2 × top_k with ``out_max_val`` (N × 1 × top_k × 1 … when the bottom has
    more than three axes).

    Options (argmax_param):
        out_max_val: give the values too, in channel 1 behind the indices; with ``axis``, instead of them (default
            false).
        top_k: how many (default 1).
        axis: the axis to search; negative ones count from the end (default: all but the first together).

    ```
    layer { name: "class" type: "ArgMax" bottom: "prob" top: "class" argmax_param { axis: 1 } }
    ```
    """

    options_field = "argmax_param"
    no_gradient = (0,)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape, k = bottom[0].shape, self.options.top_k
        self.along = self.options.HasField("axis")
        if self.along:
            axis = self.axis(self.options.axis, bottom[0])
            self.view = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
            top[0].reshape((*shape[:axis], k, *shape[axis + 1 :]))
        else:
            if not shape:
                raise self.error("a bottom of shape (no axes) holds no items to compare values in")
            self.view = shape[0], prod(shape[1:]), 1
            channels = 2 if self.options.out_max_val else 1
            top[0].reshape((shape[0], channels, k, *[1] * (bottom[0].ndim - 3)))
        if not 1 <= k <= self.view[1]:
            raise self.error(f"top_k: {k} is not between 1 and the {self.view[1]} values that are compared")

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x = bottom[0].data.reshape(self.view)
        where = top_k(self.backend, x, self.options.top_k)
        values = self.xp.take_along_axis(x, where, axis=1) if self.options.out_max_val else None
        if self.along:
            top[0].data[...] = (where if values is None else values).reshape(top[0].shape)
            return
        y = top[0].data.reshape(self.view[0], -1, self.options.top_k)
        y[:, 0] = where[:, :, 0]
        if values is not None:
            y[:, 1] = values[:, :, 0]
