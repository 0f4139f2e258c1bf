"""Labels of a layer: one class index for each prediction, checked."""

from __future__ import annotations

from math import prod

import numpy as np

from cafpy.backend import Array
from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text
from cafpy.ops.loss.labels import label_indices


class Labels:
    """The labels in a layer's bottom 1, that belong to the scores in its bottom 0.

    Made in reshape, for scores of ``shape`` with classes along ``axis``. ``options`` is where ignore_label is set.
    Raises the layer's error when there is not one label for each prediction.

    Attributes:
        view: the shape to see the scores in: outer × classes × inner.
        index: after :meth:`read`, class indices of outer × inner, int32; -1 where ignored.
    """

    def __init__(
        self,
        layer: Layer,
        shape: tuple[int, ...],
        labels: Blob,
        axis: int,
        ignore: int | None = None,
        options: str = "loss_param",
    ):
        self.layer = layer
        self.scores_name, self.name = layer.bottom_names[0], layer.bottom_names[1]
        self.ignore = ignore
        self.options = options
        self.classes = shape[axis]
        outer, inner = prod(shape[:axis]), prod(shape[axis + 1 :])
        if labels.count != outer * inner:
            wanted = shape_text((*shape[:axis], *([1] if axis < len(shape) - 1 else []), *shape[axis + 1 :]))
            raise layer.error(
                f"bottom '{self.name}' (shape {shape_text(labels.shape)}) has {labels.count} labels, but "
                f"'{self.scores_name}' (shape {shape_text(shape)}, classes along axis {axis}) has {outer * inner} "
                f"predictions; there must be one label for each, a shape like {wanted}"
            )
        self.view = (outer, self.classes, inner)
        self.index = layer.work_array((outer, inner), np.int32)
        self._fits = layer.work_array((), bool)

    def read(self, labels: Blob) -> Array:
        """:attr:`index` of the labels as they are now. What is no label ends in a DataError."""
        label_indices(
            self.layer.backend, labels.data.reshape(self.index.shape), self.classes, self.ignore, self.index, self._fits
        )
        self.layer.backend.require(self._fits, lambda: self._explain(labels))
        return self.index

    def _explain(self, labels: Blob) -> str:
        values = np.asarray(self.layer.backend.to_host(labels.data), np.float64).reshape(self.index.shape)
        wrong = ~((values >= 0) & (values < self.classes) & (values == np.floor(values)))
        if self.ignore is not None:
            wrong &= values != self.ignore
        item, position = (int(i[0]) for i in np.nonzero(wrong))
        value = values[item, position]
        at = f"item {item}" + (f", position {position}," if values.shape[1] > 1 else "")
        named = f"'{self.scores_name}' has {self.classes} class{'es' * (self.classes > 1)}"
        said = f"{self.layer.where}: label {value:.9g} of {at}"
        if value != np.floor(value):
            return f"{said} is no whole number: labels in '{self.name}' are class indices, and {named}"
        hint = ""
        if value == self.classes and values.min() >= 1:
            hint = " (do your labels start at 1?)"
        elif value in (255, -1):
            hint = f" (to leave {value:.0f} out, write `{self.options} {{ ignore_label: {value:.0f} }}`)"
        return f"{said} is out of range: {named}, so labels go from 0 to {self.classes - 1}{hint}"
