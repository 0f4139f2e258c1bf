"""Sigmoid: the logistic function."""

from __future__ import annotations

import numpy as np

from cafpy.layers._elementwise import ElementwiseLayer


class Sigmoid(ElementwiseLayer):
    """The logistic function, from 0 to 1: y = 1 / (1 + exp(−x)). The top has the bottom's shape and may be the same
    blob. To train, use SigmoidCrossEntropyLoss on x instead of a loss on y.

    Options (sigmoid_param):
        engine: ignored.

    ```
    layer { name: "prob" type: "Sigmoid" bottom: "score" top: "prob" }
    ```
    """

    options_field = "sigmoid_param"
    in_place = True

    @staticmethod
    def forward_scalar(x):
        return 1 / (1 + np.exp(-x))

    @staticmethod
    def backward_scalar(dy, x, y):
        return dy * y * (1 - y)
