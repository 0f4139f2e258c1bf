"""SigmoidCrossEntropyLoss: the loss of yes-or-no questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cafpy.blob import Blob
from cafpy.layer import shape_text
from cafpy.layers._class_weights import check_classes, check_options
from cafpy.layers._loss import LossLayer, Mode, Normalizer
from cafpy.ops.loss.sigmoid_loss import sigmoid_loss, sigmoid_loss_backward
from cafpy.ops.loss.weighted_sigmoid_loss import weighted_sigmoid_loss, weighted_sigmoid_loss_backward


class SigmoidCrossEntropyLoss(LossLayer):
    """The loss of many yes-or-no questions at once: the cross-entropy of targets and the sigmoid of scores.

    loss = −Σ (t log σ(x) + (1 − t) log(1 − σ(x))) / normalizer, σ(x) = 1 / (1 + exp(−x)). Its gradient in x is
    (σ(x) − t) / normalizer.

    Shapes: scores x and targets t, probabilities from 0 to 1, of N items with as many numbers each → a single number.

    Options (loss_param):
        ignore_label: places with this target do not count.
        normalization: what the sum is divided by: BATCH_SIZE, N (default); FULL, the number of all targets; VALID, of
            those that count; NONE, 1. Never less than 1.
        normalize: old; true is VALID, false is BATCH_SIZE.
    Options (loss_param) that Caffe does not have, each off unless written:
        label_smoothing: how far targets move towards 1/2, from 0 to below 1; 0.1 makes 0.95 of 1 and 0.05 of 0.
        class_weight: how much the targets of each class count, those of 0 too, once for each class; classes lie along
            axis 1.
        focal_gamma: what is predicted well counts less; 2 is usual (default 0).
        focal_alpha: weight of targets of 1, from 0 to 1; targets of 0 have 1 − focal_alpha.

    With these, all of which work together, the term of a target t in a class of weight w is

        w (α q + (1 − α) (1 − q)) m^gamma · −(q log σ(x) + (1 − q) log(1 − σ(x))),
        q = t (1 − label_smoothing) + label_smoothing / 2,  m = q (1 − σ(x)) + (1 − q) σ(x)

    Without focal_alpha the part in α is 1. With class_weight VALID divides by the sum of the weights of the targets
    that count; the other normalizations stay as they are: the focal paper's, the number of targets of 1, is none of
    them. Without the focal options that is Keras's `BinaryCrossentropy(label_smoothing)` and the `weight` of PyTorch's
    `binary_cross_entropy_with_logits`; the focal factor is that of Lin et al., "Focal Loss for Dense Object Detection"
    (2017).

    ```
    layer {
      name: "loss" type: "SigmoidCrossEntropyLoss" bottom: "decode1" bottom: "flatdata" top: "loss"
    }
    ```
    """

    takes = ("label_smoothing", "class_weight", "focal_gamma", "focal_alpha")

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        options = self.param.loss_param
        check_options(self)
        self.alpha: float | None = options.focal_alpha if options.HasField("focal_alpha") else None
        if self.alpha is not None and not 0 <= self.alpha <= 1:
            raise self.error(f"focal_alpha: {self.alpha:g} came; it must be from 0 to 1, as 0.25")
        self.given = list(options.class_weight)
        self.plain = not (options.label_smoothing or self.given or options.focal_gamma or self.alpha is not None)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.check_items(bottom)
        x, target = bottom
        if x.count != target.count:
            names = self.bottom_names
            raise self.error(
                f"bottom '{names[0]}' (shape {shape_text(x.shape)}) has {x.count} scores, but '{names[1]}' (shape "
                f"{shape_text(target.shape)}) has {target.count} targets; there must be one for each"
            )
        if self.given and x.ndim < 2:
            raise self.error(
                f"class_weight: bottom '{self.bottom_names[0]}' (shape {shape_text(x.shape)}) has no axis of classes, "
                "axis 1"
            )
        if self.given:
            check_classes(self, x.shape[1])
            self.weight = self.work_array(x.shape[1])
            self.backend.upload(self.weight, np.asarray(self.given, self.dtype))
        self.normalizer = Normalizer(
            self, x.count, x.shape[0] if x.ndim else 1, Mode.BATCH_SIZE, weighted=bool(self.given)
        )
        self.totals = self.work_array(2, np.float64)
        top[0].reshape(())

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, target = bottom[0].data, bottom[1].data.reshape(bottom[0].shape)
        if self.plain:
            sigmoid_loss(self.backend, x, target, self.ignored(), self.totals)
        else:
            weighted_sigmoid_loss(self.backend, x, target, *self._weighting(), self.totals)
        top[0].data[...] = self.totals[0] / self.normalizer.count(self.totals[1])

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            x, target = bottom[0].data, bottom[1].data.reshape(bottom[0].shape)
            factor = top[0].diff / self.normalizer.divisor
            dx = bottom[0].diff
            if self.plain:
                sigmoid_loss_backward(self.backend, x, target, self.ignored(), factor, dx)
            else:
                weighted_sigmoid_loss_backward(self.backend, x, target, *self._weighting(), factor, dx)

    def _weighting(self) -> tuple[Any, ...]:
        """What the weighted routines take: ignore, weight, smoothing, gamma, alpha."""
        options = self.param.loss_param
        weight = self.weight if self.given else None
        return self.ignored(), weight, options.label_smoothing, options.focal_gamma, self.alpha
