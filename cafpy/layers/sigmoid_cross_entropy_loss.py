"""SigmoidCrossEntropyLoss: the loss of yes-or-no questions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cafpy.blob import Blob
from cafpy.layer import shape_text
from cafpy.layers._loss import LossLayer, Mode, Normalizer
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

    ```
    layer {
      name: "loss" type: "SigmoidCrossEntropyLoss" bottom: "decode1" bottom: "flatdata" top: "loss"
    }
    ```
    """

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.check_items(bottom)
        x, target = bottom
        if x.count != target.count:
            names = self.param.bottom
            raise self.error(
                f"bottom '{names[0]}' (shape {shape_text(x.shape)}) has {x.count} scores, but '{names[1]}' (shape "
                f"{shape_text(target.shape)}) has {target.count} targets; there must be one for each"
            )
        self.normalizer = Normalizer(self, x.count, x.shape[0] if x.ndim else 1, Mode.BATCH_SIZE)
        self.totals = self.work_array(2, np.float64)
        top[0].reshape(())

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, target = bottom[0].data, bottom[1].data.reshape(bottom[0].shape)
        sigmoid_loss(self.backend, x, target, self.ignored(), self.totals)
        top[0].data[...] = self.totals[0] / self.normalizer.count(self.totals[1])

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            x, target = bottom[0].data, bottom[1].data.reshape(bottom[0].shape)
            factor = top[0].diff / self.normalizer.divisor
            sigmoid_loss_backward(self.backend, x, target, self.ignored(), factor, bottom[0].diff)
