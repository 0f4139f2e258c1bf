"""Slice: one blob cut into several along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text
from cafpy.layers._parts import parts


class Slice(Layer):
    """Cuts its bottom into as many tops as it names, along one axis: equal parts, or cut at given points.

    Shapes: bottom N × C × H × W → tops N × C_i × H × W with ΣC_i = C (axis 1). A single top is the bottom, without a
    copy.

    Options (slice_param):
        axis: the axis; negative ones count from the end (default 1).
        slice_dim: the same by its old name, not negative.
        slice_point: where the second, third … part begins; one fewer than there are tops. Without it all parts
            have the same size.

    ```
    layer {
      name: "slice" type: "Slice" bottom: "labels" top: "age" top: "sex" top: "rest"
      slice_param { axis: 1 slice_point: 1 slice_point: 2 }
    }
    ```
    """

    tops = (1, None)
    options_field = "slice_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if self.options.HasField("axis") and self.options.HasField("slice_dim"):
            raise self.error("axis and slice_dim mean the same; remove slice_dim, the old name")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        old = self.options.HasField("slice_dim")
        option = "slice_dim" if old else "axis"
        axis = self.axis(getattr(self.options, option), bottom[0], option)
        shape = bottom[0].shape
        sizes = self._sizes(shape, axis, len(top))
        for blob, size in zip(top, sizes, strict=True):
            blob.reshape((*shape[:axis], size, *shape[axis + 1 :]))
        self.parts = parts(axis, sizes)
        if len(top) == 1:
            top[0].share_data(bottom[0])
            top[0].share_diff(bottom[0])

    def _sizes(self, shape: tuple[int, ...], axis: int, count: int) -> list[int]:
        points = list(self.options.slice_point)
        said = f"axis {axis} of bottom '{self.bottom_names[0]}' (shape {shape_text(shape)})"
        if not points:
            if shape[axis] % count:
                raise self.error(
                    f"{said} cannot be cut into {count} equal parts, as {shape[axis]} is no multiple of {count}; "
                    "say with slice_point where to cut"
                )
            return [shape[axis] // count] * count
        if len(points) != count - 1:
            raise self.error(f"slice_point is given {len(points)} times; {count} tops want {count - 1}")
        ends = [0, *points, shape[axis]]
        if any(start >= stop for start, stop in pairwise(ends)):
            raise self.error(
                f"slice_point: {', '.join(map(str, points))} must rise from 1 at least to {shape[axis] - 1} at most, "
                f"to cut {said}"
            )
        return [stop - start for start, stop in pairwise(ends)]

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if len(top) > 1:
            for blob, part in zip(top, self.parts, strict=True):
                blob.data[...] = bottom[0].data[part]

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0] and len(top) > 1:
            for blob, part in zip(top, self.parts, strict=True):
                bottom[0].diff[part] = blob.diff
