"""Log: logarithms."""

from __future__ import annotations

import math

import numpy as np

from cafpy.layers._elementwise import ElementwiseLayer


class Log(ElementwiseLayer):
    """Logarithms: y = log_base(shift + scale · x). The top has the bottom's shape and may be the same blob. Of 0 it is
    −inf, of negative numbers nan.

    Options (log_param):
        base: greater than 0 and not 1, or −1 for e (default −1).
        scale: factor of x (default 1).
        shift: added to that (default 0).

    ```
    layer { name: "log" type: "Log" bottom: "prob" top: "log" log_param { shift: 1e-20 } }
    ```
    """

    options_field = "log_param"
    in_place = True
    keeps_x = True

    def scalars(self) -> tuple[float, ...]:
        base, scale, shift = self.options.base, self.options.scale, self.options.shift
        if (base <= 0 and base != -1) or base == 1:
            raise self.error(f"base: {base:g} must be greater than 0 and not 1, or -1 for e")
        return (scale, shift, 1.0 if base == -1 else 1 / math.log(base))

    @staticmethod
    def forward_scalar(x, scale, shift, factor):
        return factor * np.log(scale * x + shift)

    @staticmethod
    def backward_scalar(dy, x, y, scale, shift, factor):
        return dy * factor * scale / (scale * x + shift)
