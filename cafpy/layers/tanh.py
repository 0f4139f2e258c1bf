"""TanH: hyperbolic tangent."""

from __future__ import annotations

import numpy as np

from cafpy.layers._elementwise import ElementwiseLayer


class TanH(ElementwiseLayer):
    """Hyperbolic tangent, from −1 to 1: y = tanh(x). The top has the bottom's shape and may be the same blob.

    Options (tanh_param):
        engine: ignored.

    ```
    layer { name: "tanh1" type: "TanH" bottom: "ip1" top: "ip1" }
    ```
    """

    options_field = "tanh_param"
    in_place = True

    @staticmethod
    def forward_scalar(x):
        return np.tanh(x)

    @staticmethod
    def backward_scalar(dy, x, y):
        return dy * (1 - y * y)
