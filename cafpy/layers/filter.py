"""Filter: only the items that a selector lets through."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text
from cafpy.ops.rows import take_rows


class Filter(Layer):
    """Lets the items of its bottoms through whose number in the last bottom, the selector, is not 0.

    Shapes: bottoms N × … and a selector of N values (N, or N × 1 × 1 × 1) → one top M × … for each bottom before the
    selector, M the number of items let through; M may be 0. The selector gets no gradient, items held back get 0.
    As the tops' shapes depend on the selector's values, every forward pass waits for them.

    ```
    layer {
      name: "filter" type: "Filter" bottom: "features" bottom: "label" bottom: "selector"
      top: "chosen_features" top: "chosen_label"
    }
    ```
    """

    bottoms = (2, None)
    tops = (1, None)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if len(top) != len(bottom) - 1:
            raise self.error(
                f"has {len(bottom)} bottoms and {len(top)} tops; it gives one top for each bottom but the last, "
                "the selector"
            )
        self.no_gradient = (len(top),)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        selector = bottom[-1]
        if prod(selector.shape[1:]) != 1 or not selector.ndim:
            raise self.error(
                f"the selector '{self.bottom_names[-1]}' has shape {shape_text(selector.shape)}; it must have one "
                "value an item, so all axes but the first must be 1"
            )
        for i, blob in enumerate(bottom[:-1]):
            if blob.shape[:1] != selector.shape[:1]:
                raise self.error(
                    f"bottom '{self.bottom_names[i]}' has shape {shape_text(blob.shape)}, but the selector "
                    f"'{self.bottom_names[-1]}' has {selector.shape[0]} items; the first axis must be the same"
                )
            top[i].reshape(blob.shape)
        self.all_index = self.work_array(selector.count, np.int64)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        chosen = np.flatnonzero(self.backend.to_host(bottom[-1].data))
        self.index = self.all_index[: chosen.size]
        self.backend.upload(self.index, chosen)
        for blob, out in zip(bottom[:-1], top, strict=True):
            out.reshape((chosen.size, *blob.shape[1:]))
            take_rows(self.backend, blob.data, self.index, out.data)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        for i, blob in enumerate(top):
            if propagate_down[i]:
                bottom[i].diff[...] = 0
                bottom[i].diff[self.index] = blob.diff
