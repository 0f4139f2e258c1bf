"""Split: one blob for several layers."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.layer import Layer
from cafpy.ops.elementwise import Elementwise


class Split(Layer):
    """Gives one blob to several layers, and adds up the gradients that come back. Nets get it by themselves wherever
    a blob is the bottom of more than one layer.

    Shapes: bottom any → each top the same. The tops are the bottom's own memory, not copies of it.

    ```
    layer { name: "split" type: "Split" bottom: "data" top: "left" top: "right" }
    ```
    """

    tops = (1, None)
    passes_values = True

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for blob in top:
            blob.reshape(bottom[0].shape)
            blob.share_data(bottom[0])
        if len(top) == 1:
            top[0].share_diff(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        pass  # the tops share the bottom's data

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if not propagate_down[0] or len(top) == 1:
            return
        total = bottom[0].diff
        _add(self.backend, (top[0].diff, top[1].diff), (), total)
        for blob in top[2:]:
            _add(self.backend, (total, blob.diff), (), total)


def _sum(a, b):
    return a + b


_add = Elementwise(_sum)
