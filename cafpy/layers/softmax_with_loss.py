"""SoftmaxWithLoss: the loss of classification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cafpy.blob import Blob
from cafpy.layers._class_weights import ClassWeights
from cafpy.layers._labels import Labels
from cafpy.layers._loss import LossLayer, Normalizer
from cafpy.layers._soft_labels import SoftLabels
from cafpy.ops.loss.log_likelihood import negative_log_likelihood, softmax_loss_backward
from cafpy.ops.softmax import softmax

LEAST = float(np.finfo(np.float32).tiny)  # a probability of 0 counts as this, which bounds the loss by 87.34


class SoftmaxWithLoss(LossLayer):
    """The loss of classification: the negative log-likelihood of the labels under the softmax of the scores.

    loss = −Σ log p[label] / normalizer, p = softmax(x) along the axis of the classes (a p below 1.2·10⁻³⁸ counts as
    that). Its gradient in x is (p − 1 at the label) / normalizer.

    Shapes: scores N × C × … , labels N × … (one for each prediction, also as N × 1 × …) → a single number, and, if a
    second top is named, the probabilities, N × C × …. No gradient comes from the second top. Labels are whole numbers
    from 0 to C − 1, or ``ignore_label``; anything else is an error. Labels of the scores' shape, N × C × …, are shares
    t of the classes instead, 0 or more with a sum of 1, as mix_param makes them; the loss is −Σ t log p then.

    Options (softmax_param):
        axis: the axis of the classes; negative ones count from the end (default 1).
        engine: ignored.
    Options (loss_param):
        ignore_label: positions with this label do not count.
        normalization: what the sum is divided by: VALID, the number of labels that count (default); FULL, of all
            labels; BATCH_SIZE, N; NONE, 1. Never less than 1.
        normalize: old; true is VALID, false is BATCH_SIZE.
    Options (loss_param) that Caffe does not have, each off unless written, in both phases; all work together:
        label_smoothing: part of each target that is spread evenly over all classes, from 0 to below 1; 0.1 is usual.
        class_weight: how much a label of each class counts, once for each class; or
        balance_classes: weights from how often each class comes in one pass over the data of this net: number of labels
            / (classes that come · count of the class), so that rare classes count as much as frequent ones. The labels
            must come from a Data, ImageData or HDF5Data layer (default false).
        focal_gamma: what is predicted well counts less, by (1 − p)^gamma; 2 is usual (default 0).

    With these, of C classes with weights w, the loss of a label y is

        Σ_c w_c q_c (1 − p_c)^gamma · −log p_c,  q_c = (1 − label_smoothing) [c = y] + label_smoothing / C

    (of shares, with t_c in the place of [c = y]) and VALID divides by the sum of the weights w_y (Σ w_c t_c) of the
    labels that count, so that only their proportions matter;
    the other normalizations are as above. Without focal_gamma that is what PyTorch's `cross_entropy(weight,
    label_smoothing, ignore_index)` computes, and VALID is its "mean"; with it, Keras's `CategoricalFocalCrossentropy`.
    From Szegedy et al., "Rethinking the Inception Architecture for Computer Vision" (2016) and Lin et al., "Focal Loss
    for Dense Object Detection" (2017), where class_weight is called alpha.

    ```
    layer {
      name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss"
      loss_param { ignore_label: 255 }
    }
    ```
    """

    tops = (1, 2)
    takes = ("label_smoothing", "class_weight", "balance_classes", "focal_gamma")
    options_field = "softmax_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.check_second_top()
        self.weights = ClassWeights(self, LEAST)
        if self.weights.balanced:
            self.counted_bottom = 1

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        axis = self.axis(self.options.axis, bottom[0])
        if axis > 0:
            self.check_items(bottom)
        self.labels: Labels | SoftLabels
        if SoftLabels.fit(bottom[1], bottom[0].shape, axis):
            self.labels = SoftLabels(self, bottom[0].shape, axis)
        else:
            self.labels = Labels(self, bottom[0].shape, bottom[1], axis, self.ignored())
        outer, _, inner = self.labels.view
        self.weights.reshape(self.labels.classes)
        self.normalizer = Normalizer(self, outer * inner, outer, weighted=self.weights.weighted)
        self.probability = self.work_array(self.labels.view)
        self.totals = self.work_array(2, np.float64)
        top[0].reshape(())
        if len(top) > 1:
            top[1].reshape(bottom[0].shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        softmax(self.backend, bottom[0].data.reshape(self.labels.view), self.probability)
        index = self.labels.read(bottom[1])
        if isinstance(self.labels, SoftLabels):
            self.weights.forward_shares(self.probability, index, self.totals)
        elif self.weights.wanted:
            self.weights.forward(self.probability, index, self.totals)
        else:
            negative_log_likelihood(self.backend, self.probability, index, LEAST, self.totals)
        top[0].data[...] = self.totals[0] / self.normalizer.count(self.totals[1])
        if len(top) > 1:
            top[1].data[...] = self.probability.reshape(top[1].shape)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            factor = top[0].diff / self.normalizer.divisor
            dx = bottom[0].diff.reshape(self.labels.view)
            if isinstance(self.labels, SoftLabels):
                shares = bottom[1].data.reshape(self.labels.view)
                self.weights.backward_shares(self.probability, shares, factor, dx)
            elif self.weights.wanted:
                self.weights.backward(self.probability, self.labels.index, factor, dx)
            else:
                softmax_loss_backward(self.backend, self.probability, self.labels.index, factor, dx)

    def set_label_counts(self, counts: Mapping[float, int]) -> None:
        self.weights.count(counts, self.ignored())
