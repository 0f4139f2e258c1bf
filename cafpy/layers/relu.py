"""ReLU: rectified linear unit."""

from __future__ import annotations

from cafpy.layers._elementwise import ElementwiseLayer


class ReLU(ElementwiseLayer):
    """Rectified linear unit: passes what is positive and scales the rest by ``negative_slope``, 0 unless said.

    y = max(x, 0) + negative_slope · min(x, 0). The top has the bottom's shape and may be the same blob
    (Nair and Hinton, Rectified Linear Units Improve Restricted Boltzmann Machines, 2010).

    Options (relu_param):
        negative_slope: factor of negative inputs (default 0).
        engine: ignored.

    ```
    layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
    ```
    """

    options_field = "relu_param"
    in_place = True

    def scalars(self) -> tuple[float, ...]:
        self.keeps_x = self.options.negative_slope < 0  # then y > 0 does not tell that x > 0
        return (self.options.negative_slope,)

    @staticmethod
    def forward_scalar(x, negative_slope):
        return x if x > 0 else negative_slope * x

    @staticmethod
    def backward_scalar(dy, x, y, negative_slope):
        return dy if x > 0 else negative_slope * dy
