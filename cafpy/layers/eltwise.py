"""Eltwise: sum, product or maximum of blobs of one shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text
from cafpy.ops.eltwise import maximum, maximum_backward, product, weighted_sum
from cafpy.proto import cafpy_pb2 as pb

SUM, PROD, MAX = pb.EltwiseParameter.SUM, pb.EltwiseParameter.PROD, pb.EltwiseParameter.MAX


class Eltwise(Layer):
    """Combines its bottoms entry by entry: their (weighted) sum, their product or their maximum.

    SUM: y = Σ coeff_i · x_i; PROD: y = Π x_i; MAX: y = max x_i. The gradient of a maximum goes to one bottom alone: of
    equal values to bottom 1 rather than bottom 0, and to these two rather than to later ones. Bottoms and top have one
    shape.

    Options (eltwise_param):
        operation: SUM, PROD or MAX (default SUM).
        coeff: the weights of a SUM, one for each bottom (default 1 each); a MAX takes no notice of them.
        stable_prod_grad: taken for Caffe's sake. The gradient of PROD is always found in the stable way, as the product
            of the other bottoms, so it is right where a bottom is 0 (default true).

    ```
    layer { name: "res2a" type: "Eltwise" bottom: "branch1" bottom: "branch2" top: "res2a" }
    ```
    """

    bottoms = (2, None)
    options_field = "eltwise_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        coeffs = list(self.options.coeff)
        self.operation = self.options.operation
        if coeffs and self.operation == PROD:
            raise self.error("coeff: a PROD has no weights; remove them, or write `operation: SUM`")
        if coeffs and len(coeffs) != len(bottom):
            raise self.error(
                f"coeff is given {len(coeffs)} times for {len(bottom)} bottoms; give it once for each or not at all"
            )
        self.coeffs = coeffs or [1.0] * len(bottom)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape, names = bottom[0].shape, self.bottom_names
        for i, blob in enumerate(bottom):
            if blob.shape != shape:
                raise self.error(
                    f"bottom '{names[i]}' has shape {shape_text(blob.shape)}, but bottom '{names[0]}' has "
                    f"{shape_text(shape)}; they must have the same shape"
                )
        top[0].reshape(shape)
        if self.operation == MAX:
            self.source = self.work_array(shape, np.uint8 if len(bottom) <= 256 else np.int32)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        xs, y = [blob.data for blob in bottom], top[0].data
        if self.operation == SUM:
            weighted_sum(self.backend, xs, self.coeffs, y)
        elif self.operation == PROD:
            product(self.backend, xs, y)
        else:
            maximum(self.backend, xs, y, self.source)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        dy = top[0].diff
        for i, blob in enumerate(bottom):
            if not propagate_down[i]:
                continue
            if self.operation == SUM:
                self.xp.multiply(dy, self.coeffs[i], out=blob.diff)
            elif self.operation == PROD:
                factors: list[Any] = [other.data for j, other in enumerate(bottom) if j != i]
                product(self.backend, [dy, *factors], blob.diff)
            else:
                maximum_backward(self.backend, dy, self.source, i, blob.diff)
