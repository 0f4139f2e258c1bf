"""SoftmaxWithLoss: the loss of classification."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cafpy.blob import Blob
from cafpy.layers._labels import Labels
from cafpy.layers._loss import LossLayer, Normalizer
from cafpy.ops.log_likelihood import negative_log_likelihood, softmax_loss_backward
from cafpy.ops.softmax import softmax

LEAST = float(np.finfo(np.float32).tiny)  # a probability of 0 counts as this, which bounds the loss by 87.34


class SoftmaxWithLoss(LossLayer):
    """The loss of classification: the negative log-likelihood of the labels under the softmax of the scores.

    loss = −Σ log p[label] / normalizer, p = softmax(x) along the axis of the classes (a p below 1.2·10⁻³⁸ counts as
    that). Its gradient in x is (p − 1 at the label) / normalizer.

    Shapes: scores N × C × … , labels N × … (one for each prediction, also as N × 1 × …) → a single number, and, if a
    second top is named, the probabilities, N × C × …. No gradient comes from the second top. Labels are whole numbers
    from 0 to C − 1, or ``ignore_label``; anything else is an error.

    Options (softmax_param):
        axis: the axis of the classes; negative ones count from the end (default 1).
        engine: ignored.
    Options (loss_param):
        ignore_label: positions with this label do not count.
        normalization: what the sum is divided by: VALID, the number of labels that count (default); FULL, of all
            labels; BATCH_SIZE, N; NONE, 1. Never less than 1.
        normalize: old; true is VALID, false is BATCH_SIZE.

    ```
    layer {
      name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss"
      loss_param { ignore_label: 255 }
    }
    ```
    """

    tops = (1, 2)
    options_field = "softmax_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.check_second_top()

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        axis = self.axis(self.options.axis, bottom[0])
        if axis > 0:
            self.check_items(bottom)
        self.labels = Labels(self, bottom[0].shape, bottom[1], axis, self.ignored())
        outer, _, inner = self.labels.view
        self.normalizer = Normalizer(self, outer * inner, outer)
        self.probability = self.work_array(self.labels.view)
        self.totals = self.work_array(2, np.float64)
        top[0].reshape(())
        if len(top) > 1:
            top[1].reshape(bottom[0].shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        softmax(self.backend, bottom[0].data.reshape(self.labels.view), self.probability)
        negative_log_likelihood(self.backend, self.probability, self.labels.read(bottom[1]), LEAST, self.totals)
        top[0].data[...] = self.totals[0] / self.normalizer.count(self.totals[1])
        if len(top) > 1:
            top[1].data[...] = self.probability.reshape(top[1].shape)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            factor = top[0].diff / self.normalizer.divisor
            dx = bottom[0].diff.reshape(self.labels.view)
            softmax_loss_backward(self.backend, self.probability, self.labels.index, factor, dx)
