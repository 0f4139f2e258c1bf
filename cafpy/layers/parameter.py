"""Parameter: learned numbers as a blob."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.layer import Layer


class Parameter(Layer):
    """A parameter blob as a top: learned numbers that other layers take as a bottom. They begin as zeros, or as the
    weight file has them.

    Shapes: top and parameter 0 have the given shape and the same memory.

    Options (parameter_param):
        shape: of the blob. Without dim it is a single number.

    ```
    layer {
      name: "prior" type: "Parameter" top: "prior"
      parameter_param { shape { dim: 10 } }
    }
    ```
    """

    bottoms = 0
    options_field = "parameter_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.add_param(self.options.shape.dim)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        top[0].reshape(self.blobs[0].shape)
        top[0].share_data(self.blobs[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        pass  # the top shares the parameter's data

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if self.param_propagate_down[0]:
            self.blobs[0].diff[...] += top[0].diff
