"""What loss_param can do to the labels of a classification: smoothing, class weights, the focal factor."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from math import isfinite

import numpy as np

from cafpy.backend import Array
from cafpy.layer import Layer
from cafpy.ops.loss.soft_labels import soft_log_likelihood, soft_softmax_loss_backward
from cafpy.ops.loss.weighted_log_likelihood import weighted_log_likelihood, weighted_softmax_loss_backward

logger = logging.getLogger(__name__)


class ClassWeights:
    """label_smoothing, class_weight, balance_classes and focal_gamma of a layer's loss_param. Made in setup.

    Attributes:
        wanted: any of them is set; the layer's plain routines do otherwise.
        weighted: classes have weights, given or from counts.
        balanced: they come from counts, which :meth:`count` must bring before the first pass.

    Raises the layer's error for numbers out of range.
    """

    def __init__(self, layer: Layer, least: float):
        options = layer.param.loss_param
        self.layer = layer
        self.least = least
        self.smoothing: float = options.label_smoothing
        self.gamma: float = options.focal_gamma
        self.given = list(options.class_weight)
        self.balanced: bool = options.balance_classes
        self.weighted = bool(self.given) or self.balanced
        self.wanted = self.weighted or self.smoothing != 0 or self.gamma != 0
        self.counts: Mapping[float, int] | None = None
        self.classes = 0
        check_options(layer)

    def reshape(self, classes: int) -> None:
        """Make the weights of so many classes. Raises the layer's error when others are given."""
        check_classes(self.layer, classes)
        if classes != self.classes:
            self.classes = classes
            self.array = self.layer.work_array(classes)
            self._fill()

    def count(self, counts: Mapping[float, int], ignore: int | None) -> None:
        """Weights of ``balance_classes`` from how often each label comes in one pass over the data: the number of
        labels / (classes that come · count of the class), as scikit-learn's class_weight="balanced", so that all
        classes count the same in sum; 0 for a class that never comes. Raises the layer's error for a label that is no
        class."""
        counts = {label: number for label, number in counts.items() if label != ignore}
        for label in counts:
            if label != int(label) or not 0 <= label < self.classes:
                raise self.layer.error(
                    f"balance_classes: label {label:g} is in the data, but '{self.layer.bottom_names[0]}' has "
                    f"{self.classes} classes, 0 to {self.classes - 1}"
                )
        if not counts:
            raise self.layer.error("balance_classes: the data hold no label that counts; give class_weight instead")
        missing = self.classes - len(counts)
        if missing:
            logger.warning("%s: %d of %d classes have no label in the data", self.layer.where, missing, self.classes)
        self.counts = counts
        self._fill()

    def _check_counted(self) -> None:
        if self.balanced and self.counts is None:
            raise self.layer.error(
                "balance_classes: the labels are not counted; a Net does it, from a Data, ImageData or HDF5Data layer"
            )

    def _fill(self) -> None:
        weights = np.ones(self.classes)
        if self.given:
            weights[:] = self.given
        elif self.counts is not None:
            total = sum(self.counts.values()) / len(self.counts)
            weights[:] = 0
            for label, number in self.counts.items():
                weights[int(label)] = total / number
        self.layer.backend.upload(self.array, weights.astype(self.layer.dtype))

    def forward(self, probability: Array, index: Array, totals: Array) -> None:
        """totals = [Σ loss, Σ weight of the label], float64."""
        self._check_counted()
        options = self.array, self.smoothing, self.gamma, self.least
        weighted_log_likelihood(self.layer.backend, probability, index, *options, totals)

    def forward_shares(self, probability: Array, shares: Array, totals: Array) -> None:
        """:meth:`forward` for labels that are shares of the classes, of the shape of ``probability``."""
        self._check_counted()
        options = self.array, self.smoothing, self.gamma, self.least
        soft_log_likelihood(self.layer.backend, probability, shares, *options, totals)

    def backward_shares(self, probability: Array, shares: Array, factor: Array, dx: Array) -> None:
        """:meth:`backward` for shares."""
        options = self.array, self.smoothing, self.gamma, self.least
        soft_softmax_loss_backward(self.layer.backend, probability, shares, *options, factor, dx)

    def backward(self, probability: Array, index: Array, factor: Array, dx: Array) -> None:
        """The gradient of factor · Σ loss in the scores."""
        options = self.array, self.smoothing, self.gamma, self.least
        weighted_softmax_loss_backward(self.layer.backend, probability, index, *options, factor, dx)


def check_options(layer: Layer) -> None:
    """Raise the layer's error for a label_smoothing, focal_gamma or class_weight that is out of range."""
    options = layer.param.loss_param
    smoothing, gamma, given = options.label_smoothing, options.focal_gamma, list(options.class_weight)
    if not 0 <= smoothing < 1:
        raise layer.error(f"label_smoothing: {smoothing:g} came; it must be at least 0 and below 1, as 0.1")
    if not (gamma >= 0 and isfinite(gamma)):
        raise layer.error(f"focal_gamma: {gamma:g} came; it must be at least 0, as 2 (0: no focal loss)")
    if given and options.balance_classes:
        raise layer.error("class_weight and balance_classes contradict each other; give one")
    for i, weight in enumerate(given):
        if not (weight >= 0 and isfinite(weight)):
            raise layer.error(f"class_weight: {weight:g} came for class {i}; a weight must be a number from 0 on")
    if given and not any(given):
        raise layer.error("class_weight: all are 0, so nothing would be learned; at least one must be above 0")


def check_classes(layer: Layer, classes: int) -> None:
    """Raise the layer's error when it is given weights for another number of classes."""
    given = len(layer.param.loss_param.class_weight)
    if given and given != classes:
        raise layer.error(
            f"class_weight is given {given} times, but '{layer.bottom_names[0]}' has {classes} classes; give it once "
            f"for each class, `{'class_weight: 1 ' * 2}…`"
        )
