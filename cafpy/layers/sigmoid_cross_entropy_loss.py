"""SigmoidCrossEntropyLoss: the loss of yes-or-no questions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cafpy.blob import Blob
from cafpy.layer import shape_text
from cafpy.layers._class_weights import check_gamma
from cafpy.layers._loss import LossLayer, Mode, Normalizer
from cafpy.ops.focal_sigmoid_loss import focal_sigmoid_loss, focal_sigmoid_loss_backward
from cafpy.ops.sigmoid_loss import sigmoid_loss, sigmoid_loss_backward


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
        focal_gamma: what is predicted well counts less; 2 is usual (default 0).
        focal_alpha: weight of targets of 1, from 0 to 1; targets of 0 have 1 − focal_alpha.

    With these each term has the factor (α t + (1 − α)(1 − t)) m^gamma, m = t (1 − σ(x)) + (1 − t) σ(x) (Lin et al.,
    "Focal Loss for Dense Object Detection", 2017); without focal_alpha the part in α is 1. The normalizer stays as it
    is: the paper's, the number of targets of 1, is none of its modes.

    ```
    layer {
      name: "loss" type: "SigmoidCrossEntropyLoss" bottom: "decode1" bottom: "flatdata" top: "loss"
    }
    ```
    """

    takes = ("focal_gamma", "focal_alpha")

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        options = self.param.loss_param
        check_gamma(self)
        self.alpha: float | None = options.focal_alpha if options.HasField("focal_alpha") else None
        if self.alpha is not None and not 0 <= self.alpha <= 1:
            raise self.error(f"focal_alpha: {self.alpha:g} came; it must be from 0 to 1, as 0.25")
        self.focal = (options.focal_gamma, self.alpha) if options.focal_gamma or self.alpha is not None else None

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.check_items(bottom)
        x, target = bottom
        if x.count != target.count:
            names = self.bottom_names
            raise self.error(
                f"bottom '{names[0]}' (shape {shape_text(x.shape)}) has {x.count} scores, but '{names[1]}' (shape "
                f"{shape_text(target.shape)}) has {target.count} targets; there must be one for each"
            )
        self.normalizer = Normalizer(self, x.count, x.shape[0] if x.ndim else 1, Mode.BATCH_SIZE)
        self.totals = self.work_array(2, np.float64)
        top[0].reshape(())

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, target = bottom[0].data, bottom[1].data.reshape(bottom[0].shape)
        if self.focal:
            focal_sigmoid_loss(self.backend, x, target, self.ignored(), *self.focal, self.totals)
        else:
            sigmoid_loss(self.backend, x, target, self.ignored(), self.totals)
        top[0].data[...] = self.totals[0] / self.normalizer.count(self.totals[1])

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            x, target = bottom[0].data, bottom[1].data.reshape(bottom[0].shape)
            factor = top[0].diff / self.normalizer.divisor
            dx, ignored = bottom[0].diff, self.ignored()
            if self.focal:
                focal_sigmoid_loss_backward(self.backend, x, target, ignored, *self.focal, factor, dx)
            else:
                sigmoid_loss_backward(self.backend, x, target, ignored, factor, dx)
