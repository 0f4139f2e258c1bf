"""Flatten: several axes become one."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text


class Flatten(Layer):
    """Makes one axis of the axes ``axis`` to ``end_axis``; the values stay where they are, nothing is copied.

    Shapes: bottom N × C × H × W → top N × (C·H·W).

    Options (flatten_param):
        axis: the first axis that is flattened; negative ones count from the end (default 1).
        end_axis: the last one, included (default -1).

    ```
    layer { name: "flat" type: "Flatten" bottom: "pool5" top: "flat" }
    ```
    """

    options_field = "flatten_param"
    passes_values = True

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        first = self.axis(self.options.axis, bottom[0])
        last = self.axis(self.options.end_axis, bottom[0], "end_axis")
        if first > last:
            raise self.error(
                f"axis: {self.options.axis} lies behind end_axis: {self.options.end_axis} in a bottom of shape "
                f"{shape_text(shape)}; give the first axis and the last"
            )
        top[0].reshape((*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :]))
        top[0].share_data(bottom[0])
        top[0].share_diff(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Nothing to do: the top shares the bottom's memory."""

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Nothing to do: the bottom shares the top's gradient."""
