"""EuclideanLoss: the loss of regression."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cafpy.blob import Blob
from cafpy.layer import shape_text
from cafpy.layers._loss import LossLayer
from cafpy.ops.loss.euclidean_loss import scaled_difference, squared_distance


class EuclideanLoss(LossLayer):
    """The loss of regression: half the squared distance of predictions and targets, averaged over the items.

    loss = Σ (a − b)² / 2N.

    Shapes: two bottoms of N items with as many numbers each → a single number. Both bottoms can get a gradient.

    ```
    layer { name: "loss" type: "EuclideanLoss" bottom: "ip2" bottom: "angle" top: "loss" }
    ```
    """

    no_gradient = ()

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.check_items(bottom)
        a, b = bottom
        if a.count != b.count:
            names = self.bottom_names
            raise self.error(
                f"bottom '{names[0]}' (shape {shape_text(a.shape)}) and '{names[1]}' (shape {shape_text(b.shape)}) "
                "must have as many numbers for each item"
            )
        self.items = a.shape[0] if a.ndim else 1
        self.total = self.work_array((), np.float64)
        top[0].reshape(())

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        squared_distance(self.backend, bottom[0].data, bottom[1].data, self.total)
        top[0].data[...] = self.total / (2 * self.items)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        for i, blob in enumerate(bottom):
            if propagate_down[i]:
                other = bottom[1 - i]
                scaled_difference(self.backend, blob.data, other.data, top[0].diff / self.items, blob.diff)
