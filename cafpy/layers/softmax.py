"""Softmax: scores to probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cafpy.blob import Blob
from cafpy.layer import Layer
from cafpy.ops.softmax import softmax, softmax_backward


class Softmax(Layer):
    """Turns scores into probabilities: positive numbers that add up to 1 along one axis, the classes.

    y_c = exp(x_c) / Σ_k exp(x_k). The top has the bottom's shape and may be the same blob. To train, use
    SoftmaxWithLoss on the scores instead.

    Options (softmax_param):
        axis: the axis of the classes; negative ones count from the end (default 1).
        engine: ignored.

    ```
    layer { name: "prob" type: "Softmax" bottom: "fc8" top: "prob" }
    ```
    """

    options_field = "softmax_param"
    in_place = True

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        axis = self.axis(self.options.axis, bottom[0])
        shape = bottom[0].shape
        self.view = (prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :]))
        if top[0] is not bottom[0]:
            top[0].reshape(shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        softmax(self.backend, bottom[0].data.reshape(self.view), top[0].data.reshape(self.view))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            dy, y, dx = (array.reshape(self.view) for array in (top[0].diff, top[0].data, bottom[0].diff))
            softmax_backward(self.backend, dy, y, dx)
