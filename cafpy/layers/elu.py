"""ELU: exponential linear unit."""

from __future__ import annotations

import numpy as np

from cafpy.layers._elementwise import ElementwiseLayer


class ELU(ElementwiseLayer):
    """Exponential linear unit: the identity where x is positive, and an exponential that levels off at −alpha below.

    y = x if x > 0, else alpha · (exp(x) − 1). The top has the bottom's shape and may be the same blob (Clevert,
    Unterthiner and Hochreiter, Fast and Accurate Deep Network Learning by Exponential Linear Units, 2015).

    Options (elu_param):
        alpha: minus the lower limit (default 1).

    ```
    layer { name: "elu1" type: "ELU" bottom: "conv1" top: "conv1" elu_param { alpha: 1 } }
    ```
    """

    options_field = "elu_param"
    in_place = True

    def scalars(self) -> tuple[float, ...]:
        self.keeps_x = self.options.alpha < 0  # then y > 0 does not tell that x > 0
        return (self.options.alpha,)

    @staticmethod
    def forward_scalar(x, alpha):
        return x if x > 0 else alpha * (np.exp(x) - 1)

    @staticmethod
    def backward_scalar(dy, x, y, alpha):
        return dy if x > 0 else dy * (y + alpha)
