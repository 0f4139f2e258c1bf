"""BatchNorm: every channel brought to mean 0 and variance 1."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text
from cafpy.ops.batch_norm import normalise, normalise_backward, running_scale
from cafpy.ops.scale import scale, scale_backward
from cafpy.proto import cafpy_pb2 as pb


class BatchNorm(Layer):
    """Brings every channel to mean 0 and variance 1: in training by the mean and variance of the batch, otherwise by
    running ones gathered in training. A learned factor and bias are a Scale layer behind it.

    y = (x - mean) / sqrt(variance + eps) (Ioffe and Szegedy, Batch Normalization, 2015). Shapes: bottom N × C × …, top
    the same; it may be the same blob. Parameters: running sum of means C, running sum of variances C, and the weight of
    both, 1: mean = sum of means / weight. Each pass multiplies all three by moving_average_fraction and adds the mean,
    the variance (times m / (m - 1) for m values a channel) and 1. They are not learned: their lr_mult must be 0, which
    it is when no ``param`` is given.

    Options (batch_norm_param):
        use_global_stats: use the running mean and variance and leave them alone (default: false in TRAIN, true in
            TEST).
        moving_average_fraction: how much of the past the running sums keep in each pass (default 0.999).
        eps: added to the variance (default 1e-5).

    ```
    layer { name: "bn1" type: "BatchNorm" bottom: "conv1" top: "bn1" }
    layer { name: "scale1" type: "Scale" bottom: "bn1" top: "bn1" scale_param { bias_term: true } }
    ```
    """

    options_field = "batch_norm_param"
    in_place = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        given = self.options.HasField("use_global_stats")
        self.use_global_stats = self.options.use_global_stats if given else self.phase == pb.TEST
        shape = bottom[0].shape
        if len(shape) < 2:
            raise self.error(
                f"bottom '{self.bottom_names[0]}' has shape {shape_text(shape)}, but channels are on axis 1; "
                "it must have two axes at least"
            )
        channels = shape[1]
        self.eps = self.work_array(2)
        self.eps[0] = self.options.eps
        for index, size in enumerate((channels, channels, 1)):
            self.add_param((size,))
            if index == len(self.param.param):
                self.param.param.add(lr_mult=0)
            elif self.param.param[index].lr_mult:
                raise self.error(
                    f"param {index} has lr_mult {self.param.param[index].lr_mult:g}, but running means and variances "
                    "are not learned; remove the param entries or write `param { lr_mult: 0 }` three times"
                )

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        channels = self.blobs[0].count
        if len(shape) < 2 or shape[1] != channels:
            raise self.error(
                f"bottom '{self.bottom_names[0]}' has shape {shape_text(shape)}, but this layer was built for "
                f"{channels} channels (axis 1)"
            )
        if top[0] is not bottom[0]:
            top[0].reshape(shape)
        self.view = shape[0], channels, prod(shape[2:])
        self.statistics = self.work_array((3, channels))
        self.mean, self.variance, self.factor = (self.statistics[i] for i in range(3))
        # in place, x is overwritten, and what is left by a layer behind this one need not be y
        in_place = top[0] is bottom[0] and not self.use_global_stats
        self.kept = self.work_array(self.view) if in_place else None

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x = bottom[0].data.reshape(self.view)
        y = x if top[0] is bottom[0] else top[0].data.reshape(self.view)
        if self.use_global_stats:
            self.read_running()
            scale(self.backend, x, self.factor, self.mean, None, y)
            return
        normalise(self.backend, x, self.eps, self.statistics, self.kept, y)
        self.add_to_running()

    def read_running(self) -> None:
        """From the running sums ``factor`` becomes 1 / sqrt(variance + eps), and ``mean`` -mean · factor:
        y = x · factor + mean."""
        running_scale(self.backend, *(blob.data for blob in self.blobs), self.eps, self.statistics)

    def add_to_running(self) -> None:
        """Add the statistics of this pass to the running sums."""
        fraction = self.options.moving_average_fraction
        count = self.view[0] * self.view[2]
        means, variances, weight = (blob.data for blob in self.blobs)
        for running in (means, variances, weight):
            running *= fraction
        means += self.mean
        variances += self.variance * (count / (count - 1) if count > 1 else 1)
        weight += 1

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if not propagate_down[0]:
            return
        dy = top[0].diff.reshape(self.view)
        dx = dy if top[0] is bottom[0] else bottom[0].diff.reshape(self.view)
        if self.use_global_stats:
            scale_backward(self.backend, None, self.factor, dy, None, None, dx)
        else:
            x = bottom[0].data.reshape(self.view)
            normalise_backward(self.backend, x, self.statistics, self.kept, dy, dx)
