"""BatchReindex: items picked by number."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text
from cafpy.ops.rows import add_rows, row_numbers, take_rows


class BatchReindex(Layer):
    """Picks items of bottom 0 by the numbers in bottom 1: reorders, repeats or leaves out items of a batch.

    top[i] = bottom0[bottom1[i]]. Shapes: bottoms N × C × H × W and M → top M × C × H × W. The numbers get no gradient.
    A number that is not a whole one in 0 … N - 1 stops the run.

    ```
    layer { name: "pick" type: "BatchReindex" bottom: "features" bottom: "numbers" top: "picked" }
    ```
    """

    bottoms = 2
    no_gradient = (1,)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, numbers = bottom
        if not x.ndim:
            raise self.error(f"bottom '{self.bottom_names[0]}' has no axes, so it has no items to pick")
        if numbers.ndim != 1:
            raise self.error(
                f"bottom '{self.bottom_names[1]}' must have one axis, the numbers of the items, not shape "
                f"{shape_text(numbers.shape)}"
            )
        top[0].reshape((numbers.count, *x.shape[1:]))
        self.index = self.work_array(numbers.count, np.int64)
        self.width = prod(x.shape[1:])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        count = bottom[0].shape[0]
        ok = row_numbers(self.backend, bottom[1].data, count, self.index)
        name = self.bottom_names[1]
        self.backend.require(
            ok, lambda: f"{self.where}: bottom '{name}' must hold item numbers, whole ones from 0 to {count - 1}"
        )
        take_rows(self.backend, bottom[0].data, self.index, top[0].data)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            dx = bottom[0].diff
            dx[...] = 0
            dy = top[0].diff.reshape(self.index.size, self.width)
            add_rows(self.backend, dy, self.index, dx.reshape(bottom[0].shape[0], self.width))
