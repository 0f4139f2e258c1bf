"""Silence: blobs that nobody wants to see."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.layer import Layer


class Silence(Layer):
    """Takes blobs and does nothing, so that they are no outputs of the net and are not printed. Its bottoms get the
    gradient 0.

    ```
    layer { name: "hush" type: "Silence" bottom: "features" bottom: "label" }
    ```
    """

    bottoms = (1, None)
    tops = 0

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        pass

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        pass

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        for blob, wanted in zip(bottom, propagate_down, strict=True):
            if wanted:
                blob.diff[...] = 0
