"""Labels that are shares of the classes for each prediction, as mix_param makes them, checked."""

from __future__ import annotations

from math import prod

import numpy as np

from cafpy.backend import Array
from cafpy.blob import Blob
from cafpy.layer import Layer

SLACK = 1e-3  # of a sum of shares


class SoftLabels:
    """The labels in a layer's bottom 1, which has the shape of the scores in bottom 0. Made in reshape.

    Attributes:
        view: the shape to see the scores in: outer × classes × inner.
        classes: their number.
    """

    def __init__(self, layer: Layer, shape: tuple[int, ...], axis: int):
        self.layer = layer
        self.classes = shape[axis]
        self.view = (prod(shape[:axis]), self.classes, prod(shape[axis + 1 :]))

    @staticmethod
    def fit(labels: Blob, shape: tuple[int, ...], axis: int) -> bool:
        """Whether labels for scores of this shape, classes along ``axis``, are shares and no class indices."""
        return labels.shape == shape and shape[axis] > 1

    def read(self, labels: Blob) -> Array:
        """The shares as they are now, outer × classes × inner. What is no share ends in a DataError."""
        xp = self.layer.xp
        shares = labels.data.reshape(self.view)
        fits = (shares.min() >= 0) & (xp.abs(shares.sum(axis=1) - 1).max() <= SLACK)
        self.layer.backend.require(fits, lambda: self._explain(labels))
        return shares

    def largest(self, labels: Blob) -> Array:
        """The class of the largest share, the first of several; outer × inner, int32."""
        return self.read(labels).argmax(axis=1).astype(np.int32)

    def _explain(self, labels: Blob) -> str:
        shares = np.asarray(self.layer.backend.to_host(labels.data), np.float64).reshape(self.view)
        sums = shares.sum(axis=1)
        wrong = ~(np.abs(sums - 1) <= SLACK) | ~(shares.min(axis=1) >= 0)
        item, position = (int(i[0]) for i in np.nonzero(wrong))
        return (
            f"{self.layer.where}: the labels '{self.layer.bottom_names[1]}' have the shape of the scores, so they are "
            f"shares of the {self.classes} classes, 0 or more with a sum of 1; those of item {item} have the sum "
            f"{sums[item, position]:.6g} and the least is {shares[item, :, position].min():.6g}"
        )
