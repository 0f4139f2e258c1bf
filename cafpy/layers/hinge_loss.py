"""HingeLoss: the loss of support vector machines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cafpy.blob import Blob
from cafpy.layers._labels import Labels
from cafpy.layers._loss import LossLayer
from cafpy.ops.loss.hinge_loss import hinge_loss, hinge_loss_backward
from cafpy.proto import cafpy_pb2 as pb


class HingeLoss(LossLayer):
    """The loss of support vector machines, one class against all others: scores should be above 1 for the label and
    below −1 for every other class.

    loss = Σ m / N, or Σ m² / N, with m = max(0, 1 − x) for the label and max(0, 1 + x) for other classes.

    Shapes: scores N × C (further axes count as classes too), N labels → a single number. Labels are whole numbers from
    0 to C − 1.

    Options (hinge_loss_param):
        norm: L1 for the sum of the m, L2 for that of their squares (default L1).

    ```
    layer {
      name: "loss" type: "HingeLoss" bottom: "score" bottom: "label" top: "loss"
      hinge_loss_param { norm: L2 }
    }
    ```
    """

    options_field = "hinge_loss_param"

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.check_items(bottom)
        self.view = self.items_by_classes(bottom[0])
        self.labels = Labels(self, self.view, bottom[1], 1)
        self.square = self.options.norm == pb.HingeLossParameter.L2
        self.total = self.work_array((), np.float64)
        top[0].reshape(())

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, index = bottom[0].data.reshape(self.view), self.labels.read(bottom[1])
        hinge_loss(self.backend, x, index, self.square, self.total)
        top[0].data[...] = self.total / self.view[0]

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            x, dx = bottom[0].data.reshape(self.view), bottom[0].diff.reshape(self.view)
            factor = top[0].diff / self.view[0]
            hinge_loss_backward(self.backend, x, self.labels.index, self.square, factor, dx)
