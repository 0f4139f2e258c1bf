"""AbsVal: absolute values."""

from __future__ import annotations

from cafpy.layers._elementwise import ElementwiseLayer


class AbsVal(ElementwiseLayer):
    """Absolute values: y = |x|. The top has the bottom's shape and must be another blob. The gradient at 0 is 0.

    ```
    layer { name: "abs" type: "AbsVal" bottom: "difference" top: "distance" }
    ```
    """

    @staticmethod
    def forward_scalar(x):
        return abs(x)

    @staticmethod
    def backward_scalar(dy, x, y):
        return dy if x > 0 else (-dy if x < 0 else 0 * dy)
