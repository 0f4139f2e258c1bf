"""BNLL: a smooth rectifier."""

from __future__ import annotations

import numpy as np

from cafpy.layers._elementwise import ElementwiseLayer


class BNLL(ElementwiseLayer):
    """Binomial normal log likelihood, also called softplus: a rectifier without a kink.

    y = log(1 + exp(x)). The top has the bottom's shape and may be the same blob.

    ```
    layer { name: "bnll1" type: "BNLL" bottom: "ip1" top: "bnll1" }
    ```
    """

    in_place = True
    keeps_x = True

    @staticmethod
    def forward_scalar(x):
        rest = np.log(1 + np.exp(-abs(x)))  # so that exp does not overflow
        return x + rest if x > 0 else rest

    @staticmethod
    def backward_scalar(dy, x, y):
        return dy / (1 + np.exp(-x))
