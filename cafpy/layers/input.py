"""Input: blobs that the caller fills."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text


class Input(Layer):
    """Blobs of a given shape that the program around the net fills: the way images come into a deployed net.

    Shapes: top i has shape i, or the only one that is given. They can be changed later by reshaping the blob.

    Options (input_param):
        shape: one for each top, or one for all of them.

    ```
    layer {
      name: "data" type: "Input" top: "data"
      input_param { shape { dim: 1 dim: 3 dim: 224 dim: 224 } }
    }
    ```
    """

    bottoms = 0
    tops = (1, None)
    options_field = "input_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shapes = [tuple(shape.dim) for shape in self.options.shape]
        if not shapes:
            raise self.error("has no shape; write `input_param { shape { dim: 1 dim: 3 dim: 224 dim: 224 } }`")
        if len(shapes) not in (1, len(top)):
            raise self.error(
                f"shape is given {len(shapes)} times for tops {', '.join(self.param.top)}; give it once for all, "
                "or once for each"
            )
        for shape in shapes:
            if min(shape, default=1) < 1:
                raise self.error(
                    f"shape {shape_text(shape)}: dim: {min(shape)} came; each must be at least 1 (it can be "
                    "changed later)"
                )
        for i, blob in enumerate(top):
            blob.reshape(shapes[i % len(shapes)])

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        pass  # once set up, the caller decides

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        pass  # the caller has filled the tops
