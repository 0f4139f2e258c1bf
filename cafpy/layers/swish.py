"""Swish: a sigmoid times its input."""

from __future__ import annotations

import numpy as np

from cafpy.layers._elementwise import ElementwiseLayer


class Swish(ElementwiseLayer):
    """A smooth rectifier that dips below zero: y = x / (1 + exp(−beta · x)). The top has the bottom's shape and may be
    the same blob (Ramachandran, Zoph and Le, Searching for Activation Functions, 2017).

    Options (swish_param):
        beta: steepness; with 0 it is x / 2, with a large one ReLU (default 1).

    ```
    layer { name: "swish1" type: "Swish" bottom: "conv1" top: "swish1" swish_param { beta: 1 } }
    ```
    """

    options_field = "swish_param"
    in_place = True
    keeps_x = True

    def scalars(self) -> tuple[float, ...]:
        return (self.options.beta,)

    @staticmethod
    def forward_scalar(x, beta):
        return x / (1 + np.exp(-beta * x))

    @staticmethod
    def backward_scalar(dy, x, y, beta):
        sigmoid = 1 / (1 + np.exp(-beta * x))
        return dy * (beta * y + sigmoid * (1 - beta * y))
