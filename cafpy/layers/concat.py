"""Concat: several blobs put one after the other along an axis."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text
from cafpy.layers._parts import parts


class Concat(Layer):
    """Puts its bottoms one after the other along one axis: images along axis 0, feature maps along axis 1.

    Shapes: bottoms N × C_i × H × W → top N × ΣC_i × H × W (axis 1). All other axes must agree. The top of a single
    bottom is that bottom, without a copy.

    Options (concat_param):
        axis: the axis; negative ones count from the end (default 1).
        concat_dim: the same by its old name, not negative.

    ```
    layer {
      name: "inception/output" type: "Concat"
      bottom: "1x1" bottom: "3x3" bottom: "5x5" bottom: "pool_proj" top: "inception/output"
    }
    ```
    """

    bottoms = (1, None)
    options_field = "concat_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if self.options.HasField("axis") and self.options.HasField("concat_dim"):
            raise self.error("axis and concat_dim mean the same; remove concat_dim, the old name")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        old = self.options.HasField("concat_dim")
        option = "concat_dim" if old else "axis"
        axis = self.axis(getattr(self.options, option), bottom[0], option)
        for i, blob in enumerate(bottom):
            self._check(i, blob, bottom[0].shape, axis)
        sizes = [blob.shape[axis] for blob in bottom]
        shape = bottom[0].shape
        top[0].reshape((*shape[:axis], sum(sizes), *shape[axis + 1 :]))
        self.parts = parts(axis, sizes)
        if len(bottom) == 1:
            top[0].share_data(bottom[0])
            top[0].share_diff(bottom[0])

    def _check(self, index: int, blob: Blob, first: tuple[int, ...], axis: int) -> None:
        names = self.bottom_names
        this, other = shape_text(blob.shape), shape_text(first)
        said = f"bottom '{names[index]}' has shape {this}, but bottom '{names[0]}' has {other}"
        if blob.ndim != len(first):
            raise self.error(f"{said}; they must have the same number of axes (a Reshape or Flatten can change it)")
        wrong = [j for j in range(len(first)) if j != axis and blob.shape[j] != first[j]]
        if wrong:
            raise self.error(f"{said}; to be put together along axis {axis} they must agree in axis {wrong[0]} too")

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if len(bottom) > 1:
            for blob, part in zip(bottom, self.parts, strict=True):
                top[0].data[part] = blob.data

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if len(bottom) > 1:
            for blob, part, wanted in zip(bottom, self.parts, propagate_down, strict=True):
                if wanted:
                    blob.diff[...] = top[0].diff[part]
