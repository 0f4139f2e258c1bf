"""InfogainLoss: classification where some mistakes are worse than others."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from cafpy.backend import Array
from cafpy.blob import Blob
from cafpy.errors import CafpyError
from cafpy.layer import shape_text
from cafpy.layers._labels import Labels
from cafpy.layers._loss import LossLayer, Normalizer
from cafpy.ops.loss.infogain_loss import infogain_loss, infogain_loss_backward
from cafpy.ops.softmax import softmax
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.binary import blob_to_array, read_binary


class InfogainLoss(LossLayer):
    """SoftmaxWithLoss with a matrix H that says how much each class counts where another one is the label. With H = 1
    it is SoftmaxWithLoss; with row sums that are not 1, classes have weights.

    loss = −Σ Σ_c H[label, c] log max(p_c, 10⁻²⁰) / normalizer, p = softmax(x) along the axis of the classes.

    Shapes: scores N × C × …, labels N × …, and H, C × C numbers, as third bottom or from a file → a single number,
    and, if a second top is named, the probabilities. Only the scores get a gradient.

    Options (infogain_loss_param):
        source: a .binaryproto file (a BlobProto) with H, for want of a third bottom.
        axis: the axis of the classes; negative ones count from the end (default 1).
    Options (loss_param):
        ignore_label, normalization, normalize: as in SoftmaxWithLoss.

    ```
    layer {
      name: "loss" type: "InfogainLoss" bottom: "score" bottom: "label" top: "loss"
      infogain_loss_param { source: "infogain.binaryproto" }
    }
    ```
    """

    bottoms = (2, 3)
    tops = (1, 2)
    options_field = "infogain_loss_param"
    no_gradient = (1, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.check_second_top()
        if len(bottom) == 2:
            if not self.options.source:
                raise self.error(
                    "has no matrix H: name it as third bottom, or a file with "
                    '`infogain_loss_param { source: "H.binaryproto" }`'
                )
            try:
                blob = read_binary(self.options.source, pb.BlobProto(), "matrix (.binaryproto)")
                values = blob_to_array(blob)
            except CafpyError as error:
                raise self.error(f"source: {error}") from error
            self.matrix = self.work_array(values.shape)
            self.backend.upload(self.matrix, values.astype(self.dtype))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        axis = self.axis(self.options.axis, bottom[0])
        if axis > 0:
            self.check_items(bottom)
        self.labels = Labels(self, bottom[0].shape, bottom[1], axis, self.ignored())
        classes = self.labels.classes
        matrix = bottom[2] if len(bottom) > 2 else self.matrix
        if prod(matrix.shape) != classes * classes:
            raise self.error(
                f"H has shape {shape_text(matrix.shape)}, but '{self.bottom_names[0]}' has {classes} classes along "
                f"axis {axis}; it must be {classes}×{classes}"
            )
        outer, _, inner = self.labels.view
        self.normalizer = Normalizer(self, outer * inner, outer)
        self.probability = self.work_array(self.labels.view)
        self.totals = self.work_array(2, np.float64)
        top[0].reshape(())
        if len(top) > 1:
            top[1].reshape(bottom[0].shape)

    def _matrix(self, bottom: Sequence[Blob]) -> Array:
        matrix = bottom[2].data if len(bottom) > 2 else self.matrix
        return matrix.reshape(self.labels.classes, self.labels.classes)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        softmax(self.backend, bottom[0].data.reshape(self.labels.view), self.probability)
        infogain_loss(self.backend, self.probability, self.labels.read(bottom[1]), self._matrix(bottom), self.totals)
        top[0].data[...] = self.totals[0] / self.normalizer.count(self.totals[1])
        if len(top) > 1:
            top[1].data[...] = self.probability.reshape(top[1].shape)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            factor = top[0].diff / self.normalizer.divisor
            dx = bottom[0].diff.reshape(self.labels.view)
            matrix = self._matrix(bottom)
            infogain_loss_backward(self.backend, self.probability, self.labels.index, matrix, factor, dx)
