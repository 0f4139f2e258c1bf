"""Power: powers of a linear function."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.layers._elementwise import ElementwiseLayer
from cafpy.ops.elementwise import Elementwise


class Power(ElementwiseLayer):
    """A power of a linear function: y = (shift + scale · x)^power. With power 1, the cheap way to scale and shift a
    blob by constants. The top has the bottom's shape and may be the same blob.

    Options (power_param):
        power: exponent (default 1).
        scale: factor of x (default 1).
        shift: added to that (default 0).

    ```
    layer { name: "centre" type: "Power" bottom: "data" top: "data" power_param { scale: 0.5 shift: -1 } }
    ```
    """

    options_field = "power_param"
    in_place = True

    def scalars(self) -> tuple[float, ...]:
        return (self.options.power, self.options.scale, self.options.shift)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().setup(bottom, top)
        if self.options.power == 1:
            self._forward, self._backward = LINEAR  # many times faster than powers, and the most frequent use
        else:
            self.keeps_x = self.options.power * self.options.scale != 0

    @staticmethod
    def forward_scalar(x, power, scale, shift):
        return (shift + scale * x) ** power

    @staticmethod
    def backward_scalar(dy, x, y, power, scale, shift):
        if power * scale == 0:
            return 0 * dy  # also where x is such that the slope is infinite
        return dy * power * scale * (shift + scale * x) ** (power - 1)


def _linear(x, power, scale, shift):
    return shift + scale * x


def _linear_backward(dy, x, y, power, scale, shift):
    return scale * dy


LINEAR = Elementwise(_linear), Elementwise(_linear_backward)
