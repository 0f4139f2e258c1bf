"""Exp: powers of a base."""

from __future__ import annotations

import math

import numpy as np

from cafpy.layers._elementwise import ElementwiseLayer


class Exp(ElementwiseLayer):
    """Powers of a base: y = base^(shift + scale · x). The top has the bottom's shape and may be the same blob.

    Options (exp_param):
        base: greater than 0, or −1 for e (default −1).
        scale: factor of x (default 1).
        shift: added to that (default 0).

    ```
    layer { name: "exp" type: "Exp" bottom: "log" top: "exp" exp_param { base: 10 } }
    ```
    """

    options_field = "exp_param"
    in_place = True

    def scalars(self) -> tuple[float, ...]:
        base, scale, shift = self.options.base, self.options.scale, self.options.shift
        if base <= 0 and base != -1:
            raise self.error(f"base: {base:g} must be greater than 0, or -1 for e")
        log_base = 1.0 if base == -1 else math.log(base)
        return (log_base * scale, math.exp(log_base * shift))

    @staticmethod
    def forward_scalar(x, rate, factor):
        return factor * np.exp(rate * x)

    @staticmethod
    def backward_scalar(dy, x, y, rate, factor):
        return dy * y * rate
