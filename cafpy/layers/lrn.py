"""LRN: local response normalisation."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text
from cafpy.ops.lrn.regions import lrn, lrn_backward


class LRN(Layer):
    """Divides each value by a power of the sum of squares around it, in neighbouring channels or positions
    (Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural Networks, 2012).

    y = x / s^beta, s = k + alpha / n · Σ x². ACROSS_CHANNELS: the sum goes over ``local_size`` channels, n is their
    number. WITHIN_CHANNEL: it goes over local_size × local_size positions, n is their number, and k is 1 whatever the
    option says. Windows are cut at the borders; n stays. Shapes: bottom N × C × H × W → top the same.

    Options (lrn_param):
        local_size: side of the window, odd (default 5).
        alpha: weight of the squares (default 1).
        beta: the power (default 0.75).
        k: what is added to the sum (default 1).
        norm_region: ACROSS_CHANNELS or WITHIN_CHANNEL (default ACROSS_CHANNELS).
        engine: read and ignored.

    ```
    layer {
      name: "norm1" type: "LRN" bottom: "pool1" top: "norm1"
      lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }
    }
    ```
    """

    options_field = "lrn_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        options = self.options
        if options.local_size % 2 == 0:
            raise self.error(f"local_size: {options.local_size} must be odd, so that a window has a middle")
        self.within = options.norm_region == options.WITHIN_CHANNEL
        count = options.local_size**2 if self.within else options.local_size
        self.alpha, self.k = options.alpha / count, 1.0 if self.within else options.k
        if self.k <= 0:
            raise self.error(f"k: {options.k:g} must be above 0, as its sum with the squares is divided by")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if bottom[0].ndim != 4:
            raise self.error(
                f"bottom '{self.bottom_names[0]}' has shape {shape_text(bottom[0].shape)}; wanted 4 axes, N×C×H×W"
            )
        top[0].reshape(bottom[0].shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        options = self.options
        lrn(
            self.backend, bottom[0].data, top[0].data,
            options.local_size, self.within, self.alpha, options.beta, self.k,
        )  # fmt: skip

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            options = self.options
            lrn_backward(
                self.backend, top[0].diff, bottom[0].data, bottom[0].diff,
                options.local_size, self.within, self.alpha, options.beta, self.k,
            )  # fmt: skip
