"""MVN: every image, or every channel of it, brought to mean 0 and variance 1."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text
from cafpy.ops.batch_norm import normalise, normalise_backward


class MVN(Layer):
    """Mean-variance normalisation: brings each channel of each item, or each item as a whole, to mean 0 and variance 1.
    Nothing is learned, and each item is on its own.

    y = (x - mean) / (sqrt(variance) + eps). Shapes: bottom N × C × H × W, top the same; it may be the same blob. A
    bottom with fewer than four axes gives a top with four, filled up with 1; that cannot be done in place.

    Options (mvn_param):
        normalize_variance: divide by the deviation; false only takes the mean off (default true).
        across_channels: one mean and variance for an item instead of one for each of its channels (default false).
        eps: keeps the division from being one by zero. The gradient leaves it out, so it should be small (default
            1e-9).

    ```
    layer { name: "mvn" type: "MVN" bottom: "data" top: "mvn" mvn_param { across_channels: true } }
    ```
    """

    options_field = "mvn_param"
    in_place = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        axes = (
            "one axis at least, the items" if self.options.across_channels else "two axes at least, items and channels"
        )
        if bottom[0].ndim < (1 if self.options.across_channels else 2):
            raise self.error(
                f"bottom '{self.bottom_names[0]}' has shape {shape_text(bottom[0].shape)}; it must have {axes}"
            )

        self.eps = self.work_array(2)
        self.eps[1] = self.options.eps

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        if top[0] is bottom[0]:
            if len(shape) < 4:
                raise self.error(
                    f"cannot work in place on shape {shape_text(shape)}, as its top has four axes; give it a top of "
                    "another name"
                )
        else:
            top[0].reshape((*shape, *[1] * (4 - len(shape))))
        apart = 1 if self.options.across_channels else 2
        rows = prod(shape[:apart])
        self.view = 1, rows, prod(shape[apart:])
        self.statistics = self.work_array((3, rows))
        in_place = top[0] is bottom[0] and self.options.normalize_variance
        self.kept = self.work_array(self.view) if in_place else None

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x = bottom[0].data.reshape(self.view)
        y = x if top[0] is bottom[0] else top[0].data.reshape(self.view)
        if self.options.normalize_variance:
            normalise(self.backend, x, self.eps, self.statistics, self.kept, y)
        else:
            self.xp.subtract(x, self.xp.mean(x, axis=2, keepdims=True), out=y)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if not propagate_down[0]:
            return
        dy = top[0].diff.reshape(self.view)
        dx = dy if top[0] is bottom[0] else bottom[0].diff.reshape(self.view)
        if self.options.normalize_variance:
            x = bottom[0].data.reshape(self.view)
            normalise_backward(self.backend, x, self.statistics, self.kept, dy, dx)
        else:
            self.xp.subtract(dy, self.xp.mean(dy, axis=2, keepdims=True), out=dx)
