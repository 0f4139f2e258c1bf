"""Threshold: above a limit or not."""

from __future__ import annotations

from cafpy.layers._elementwise import ElementwiseLayer


class Threshold(ElementwiseLayer):
    """1 where x is above a threshold, else 0. The top has the bottom's shape and may be the same blob. It has no
    gradient.

    Options (threshold_param):
        threshold: the threshold (default 0).

    ```
    layer { name: "yes" type: "Threshold" bottom: "prob" top: "yes" threshold_param { threshold: 0.5 } }
    ```
    """

    options_field = "threshold_param"
    in_place = True

    def scalars(self) -> tuple[float, ...]:
        return (self.options.threshold,)

    @staticmethod
    def forward_scalar(x, threshold):
        return 1 if x > threshold else 0
