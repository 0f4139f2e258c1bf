"""MultinomialLogisticLoss: the loss of classification, from probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cafpy.blob import Blob
from cafpy.layers._labels import Labels
from cafpy.layers._loss import LossLayer
from cafpy.ops.loss.log_likelihood import log_likelihood_backward, negative_log_likelihood

LEAST = 1e-20  # a smaller probability counts as this


class MultinomialLogisticLoss(LossLayer):
    """The negative log-likelihood of labels under given probabilities, those of a Softmax layer for instance.
    SoftmaxWithLoss does both in one and is more exact.

    loss = −Σ log max(p[label], 10⁻²⁰) / N.

    Shapes: probabilities N × C (further axes count as classes too), N labels → a single number. Labels are whole
    numbers from 0 to C − 1.

    ```
    layer { name: "loss" type: "MultinomialLogisticLoss" bottom: "prob" bottom: "label" top: "loss" }
    ```
    """

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.check_items(bottom)
        self.labels = Labels(self, self.items_by_classes(bottom[0]), bottom[1], 1)
        self.totals = self.work_array(2, np.float64)
        top[0].reshape(())

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        probability, index = bottom[0].data.reshape(self.labels.view), self.labels.read(bottom[1])
        negative_log_likelihood(self.backend, probability, index, LEAST, self.totals)
        top[0].data[...] = self.totals[0] / bottom[0].shape[0]

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            probability, dx = bottom[0].data.reshape(self.labels.view), bottom[0].diff.reshape(self.labels.view)
            factor = top[0].diff / bottom[0].shape[0]
            log_likelihood_backward(self.backend, probability, self.labels.index, LEAST, factor, dx)
