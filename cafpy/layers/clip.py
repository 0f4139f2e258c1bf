"""Clip: values held between two limits."""

from __future__ import annotations

from cafpy.layers._elementwise import ElementwiseLayer


class Clip(ElementwiseLayer):
    """Holds values between two limits: y = min(max(x, min), max). The top has the bottom's shape and may be the same
    blob. With min 0 and max 6 it is the ReLU6 of MobileNets.

    Options (clip_param):
        min: lower limit.
        max: upper limit.

    ```
    layer {
      name: "relu6" type: "Clip" bottom: "conv1" top: "conv1"
      clip_param { min: 0 max: 6 }
    }
    ```
    """

    options_field = "clip_param"
    in_place = True
    keeps_x = True

    def scalars(self) -> tuple[float, ...]:
        options = self.options
        missing = [name for name in ("min", "max") if not options.HasField(name)]
        if missing:
            raise self.error(f"{' and '.join(missing)} missing; write `clip_param {{ min: 0 max: 6 }}`")
        if options.min > options.max:
            raise self.error(f"min: {options.min:g} is above max: {options.max:g}")
        return (options.min, options.max)

    @staticmethod
    def forward_scalar(x, low, high):
        return low if x < low else (high if x > high else x)

    @staticmethod
    def backward_scalar(dy, x, y, low, high):
        return dy if low <= x <= high else 0 * dy
