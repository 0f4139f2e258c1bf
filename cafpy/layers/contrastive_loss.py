"""ContrastiveLoss: pairs that are alike should be near each other, others far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cafpy.blob import Blob
from cafpy.layer import shape_text
from cafpy.layers._loss import LossLayer
from cafpy.ops.loss.contrastive_loss import contrastive_loss, contrastive_loss_backward


class ContrastiveLoss(LossLayer):
    """The loss of siamese nets: pairs that are alike should be near each other, others at least ``margin`` apart.

    loss = Σ (y d² + (1 − y) max(margin − d, 0)²) / 2N, d the Euclidean distance of a pair (Hadsell, Chopra and LeCun,
    Dimensionality Reduction by Learning an Invariant Mapping, 2006).

    Shapes: two bottoms of N × C (N × C × 1 × 1) and N numbers y: 1 for a pair that is alike, else 0 → a single number.

    Options (contrastive_loss_param):
        margin: how far pairs that are not alike should be apart (default 1).
        legacy_version: max(margin − d², 0) for them, as Caffe had it first (default false).

    ```
    layer {
      name: "loss" type: "ContrastiveLoss" bottom: "feat" bottom: "feat_p" bottom: "sim" top: "loss"
      contrastive_loss_param { margin: 1 }
    }
    ```
    """

    bottoms = 3
    options_field = "contrastive_loss_param"
    no_gradient = (2,)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        a, b, alike = bottom
        names = self.bottom_names
        items = a.shape[0] if a.ndim else 1
        if a.shape != b.shape or a.ndim < 2 or a.count != items * a.shape[1]:
            raise self.error(
                f"bottoms '{names[0]}' (shape {shape_text(a.shape)}) and '{names[1]}' (shape {shape_text(b.shape)}) "
                "must have the same shape, N×C or N×C×1×1"
            )
        if alike.count != items:
            raise self.error(
                f"bottom '{names[2]}' (shape {shape_text(alike.shape)}) must have one number, 1 or 0, for each of the "
                f"{items} pairs"
            )
        self.view = (items, a.shape[1])
        self.squares = self.work_array(items)
        self.total = self.work_array((), np.float64)
        top[0].reshape(())

    def _arguments(self, bottom: Sequence[Blob], first: int) -> tuple:
        a, b = (bottom[i].data.reshape(self.view) for i in (first, 1 - first))
        return a, b, bottom[2].data.reshape(-1), self.options.margin, self.options.legacy_version, self.squares

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        y = bottom[2].data
        self.backend.require(((y == 0) | (y == 1)).all(), lambda: self._explain(bottom[2]))
        contrastive_loss(self.backend, *self._arguments(bottom, 0), self.total)
        top[0].data[...] = self.total / (2 * self.view[0])

    def _explain(self, alike: Blob) -> str:
        values = self.backend.to_host(alike.data).reshape(-1)
        item = int(np.flatnonzero((values != 0) & (values != 1))[0])
        return (
            f"{self.where}: '{self.bottom_names[2]}' is {values[item]:.9g} for pair {item}; it must be 1 for a pair "
            "that is alike and 0 for one that is not"
        )

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        factor = top[0].diff / self.view[0]
        for i, blob in enumerate(bottom[:2]):
            if propagate_down[i]:
                dx = blob.diff.reshape(self.view)
                contrastive_loss_backward(self.backend, *self._arguments(bottom, i), factor, dx)
