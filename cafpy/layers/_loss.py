"""What loss layers share: what the sum over a batch is divided by."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, ClassVar

import numpy as np

from cafpy.backend import Array
from cafpy.blob import Blob
from cafpy.layer import Arity, Layer, shape_text
from cafpy.proto import cafpy_pb2 as pb

Mode = pb.LossParameter
_BOTH = "SoftmaxWithLoss and SigmoidCrossEntropyLoss have it"
OPTIONS = {  # of cafpy's own, and who has them
    "label_smoothing": _BOTH,
    "class_weight": _BOTH,
    "balance_classes": "SoftmaxWithLoss has it",
    "focal_gamma": _BOTH,
    "focal_alpha": "SigmoidCrossEntropyLoss has it; in SoftmaxWithLoss class_weight does its work",
}


class LossLayer(Layer):
    """A layer whose top 0 is one number to be made small. Bottom 0 are predictions, bottom 1 what they should be."""

    bottoms: ClassVar[Arity] = 2
    is_loss = True
    no_gradient: tuple[int, ...] = (1,)
    takes: ClassVar[tuple[str, ...]] = ()  # those of OPTIONS that it has

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for field, _ in self.param.loss_param.ListFields():
            if field.name in OPTIONS and field.name not in self.takes:
                raise self.error(f"loss_param: it has no {field.name}; {OPTIONS[field.name]}")

    def check_items(self, bottom: Sequence[Blob]) -> None:
        """Raise the layer's error unless the first two bottoms have as many items, along axis 0."""
        first, second = (blob.shape[0] if blob.ndim else 1 for blob in bottom[:2])
        if first != second:
            names = self.bottom_names
            raise self.error(
                f"bottom '{names[0]}' has {first} items (shape {shape_text(bottom[0].shape)}), but '{names[1]}' has "
                f"{second} (shape {shape_text(bottom[1].shape)}); both must come from one batch"
            )

    def check_second_top(self) -> None:
        """Raise the layer's error when its second top, the probabilities, is given a loss weight."""
        weights = list(self.param.loss_weight)
        if len(weights) == 2 and weights[1]:
            raise self.error(
                f"loss_weight: {weights[1]:g} for the second top, the probabilities; they are no loss, so write "
                f"`loss_weight: {weights[0]:g} loss_weight: 0`"
            )

    def items_by_classes(self, scores: Blob) -> tuple[int, int]:
        """Scores as N × C, all axes after the first taken for classes. Raises the layer's error when there is none."""
        if scores.ndim < 2:
            raise self.error(
                f"bottom '{self.bottom_names[0]}' (shape {shape_text(scores.shape)}) has no axis of classes, axis 1"
            )
        return scores.shape[0], prod(scores.shape[1:])

    def ignored(self) -> int | None:
        """The label that does not count, or None."""
        options = self.param.loss_param
        return options.ignore_label if options.HasField("ignore_label") else None


class Normalizer:
    """The divisor of a loss, by `loss_param`:

        VALID: the number of labels that are not ignored    FULL: the number of all labels
        BATCH_SIZE: the number of items                     NONE: 1

    and at least 1. With class weights VALID is the sum of the weights of those labels, as the mean of PyTorch's
    `cross_entropy`, or 1 where that is 0. ``normalize: true`` is the old name of VALID, ``normalize: false`` of
    BATCH_SIZE; ``normalization`` goes before. Made in reshape.
    """

    def __init__(self, layer: Layer, labels: int, items: int, default: int = Mode.VALID, weighted: bool = False):
        options = layer.param.loss_param
        self.mode = options.normalization if options.HasField("normalization") else default
        if options.HasField("normalize") and not options.HasField("normalization"):
            self.mode = Mode.VALID if options.normalize else Mode.BATCH_SIZE
        known: dict[int, int] = {Mode.FULL: labels, Mode.BATCH_SIZE: items, Mode.NONE: 1}
        self.divisor = layer.work_array((), np.float64)
        self.divisor[...] = max(1, known.get(self.mode, 1))
        self.weighted = weighted
        self.xp = layer.xp

    def count(self, valid: Array) -> Array:
        """The divisor, one number, float64; ``valid``, likewise, is the number of labels that are not ignored, or the
        sum of their weights."""
        if self.mode == Mode.VALID and self.weighted:
            self.divisor[...] = self.xp.where(valid > 0, valid, 1)
        elif self.mode == Mode.VALID:
            self.divisor[...] = self.xp.maximum(valid, 1)
        return self.divisor
