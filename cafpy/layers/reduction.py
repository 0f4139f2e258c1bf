"""Reduction: sums over the last axes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cafpy.blob import Blob
from cafpy.layer import Layer
from cafpy.ops.reduction import reduce_rows, reduce_rows_backward
from cafpy.proto import cafpy_pb2 as pb


class Reduction(Layer):
    """Reduces all axes from ``axis`` on to one number: their sum, mean, sum of absolute values or of squares, times
    ``coeff``. With a ``loss_weight`` it makes a loss of any blob.

    Shapes: bottom N × C × H × W → top without axes (axis 0), N (axis 1), N × C (axis 2) ….

    Options (reduction_param):
        operation: SUM, ASUM (sum of absolute values), SUMSQ (sum of squares) or MEAN (default SUM).
        axis: the first axis that is reduced, all behind it are too; negative ones count from the end (default 0).
        coeff: factor of the result (default 1).

    ```
    layer {
      name: "l1" type: "Reduction" bottom: "code" top: "l1" loss_weight: 0.01
      reduction_param { operation: ASUM axis: 0 }
    }
    ```
    """

    options_field = "reduction_param"

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        axis = self.axis(self.options.axis, bottom[0]) if shape or self.options.axis else 0
        self.rows = prod(shape[:axis]), prod(shape[axis:])
        top[0].reshape(shape[:axis])
        operation = pb.ReductionParameter.ReductionOp.Name(self.options.operation)
        mean = operation == "MEAN"
        self.operation = "SUM" if mean else operation
        self.factor = self.options.coeff / self.rows[1] if mean else self.options.coeff
        self.work = self.work_array(self.rows if self.operation != "SUM" else 0)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, y = bottom[0].data.reshape(self.rows), top[0].data.reshape(self.rows[0])
        reduce_rows(self.backend, x, self.operation, self.factor, self.work, y)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            x, dx = bottom[0].data.reshape(self.rows), bottom[0].diff.reshape(self.rows)
            dy = top[0].diff.reshape(self.rows[0])
            reduce_rows_backward(self.backend, x, self.operation, self.factor, dy, dx)
