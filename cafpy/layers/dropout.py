"""Dropout: noise against overfitting."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.layer import Layer
from cafpy.ops.dropout import dropout


class Dropout(Layer):
    """While training, sets each entry to zero with probability ``dropout_ratio`` and divides the others by
    1 − dropout_ratio, so that sums stay as they were on average; while testing, passes everything on.

    y = x · m / (1 − ratio), m = 0 with probability ratio, else 1. The top has the bottom's shape and may be the same
    blob (Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, 2014). Which entries
    are dropped depends on the net's seed, the layer's name and the number of the pass alone.

    Options (dropout_param):
        dropout_ratio: part of the entries that is dropped, 0 ≤ ratio < 1 (default 0.5).

    ```
    layer {
      name: "drop6" type: "Dropout" bottom: "fc6" top: "fc6"
      dropout_param { dropout_ratio: 0.5 }
    }
    ```
    """

    options_field = "dropout_param"
    in_place = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.ratio = self.options.dropout_ratio
        if not 0 <= self.ratio < 1:
            raise self.error(
                f"dropout_ratio: {self.ratio:g} must be at least 0 and less than 1; it is the part that is dropped"
            )
        self.passes = 0

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if top[0] is not bottom[0]:
            top[0].reshape(bottom[0].shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if self.training:
            self.passes += 1
            dropout(self.backend, bottom[0].data, self.seed, self.passes, self.ratio, top[0].data)
        elif top[0] is not bottom[0]:
            top[0].data[...] = bottom[0].data

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if not propagate_down[0]:
            return
        if self.training:
            dropout(self.backend, top[0].diff, self.seed, self.passes, self.ratio, bottom[0].diff)
        elif top[0] is not bottom[0]:
            bottom[0].diff[...] = top[0].diff

    def state(self) -> dict[str, int]:
        return {"passes": self.passes} if self.training else {}

    def load_state(self, state: dict[str, int]) -> None:
        self.passes = state["passes"]
