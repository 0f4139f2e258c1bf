"""InnerProduct: a fully connected layer."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cafpy.backend import Array
from cafpy.blob import Blob
from cafpy.layer import Layer
from cafpy.ops.inner_product import add_product


class InnerProduct(Layer):
    """Multiplies each item, taken as a vector, by a weight matrix and adds a bias: a fully connected layer.

    y = x Wᵀ + b. Shapes: bottom N × C × H × W → top N × num_output (axis 1: the axes from there on are one vector of
    C·H·W values). Parameters: weight num_output × C·H·W (the other way round with ``transpose``), bias num_output.

    Options (inner_product_param):
        num_output: how many values come out; must be given.
        bias_term: whether a bias is added (default true).
        weight_filler, bias_filler: first values of the parameters (default: zeros).
        axis: the first axis that belongs to the vector; negative ones count from the end (default 1).
        transpose: keep the weight as C·H·W × num_output (default false).

    ```
    layer {
      name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1"
      param { lr_mult: 1 } param { lr_mult: 2 }
      inner_product_param { num_output: 500 weight_filler { type: "xavier" } }
    }
    ```
    """

    options_field = "inner_product_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        options = self.options
        if not options.num_output:
            raise self.error("num_output is missing; write how many values come out, for example num_output: 10")
        self.first = self.axis(options.axis, bottom[0])
        self.length = prod(bottom[0].shape[self.first :])
        shape = (options.num_output, self.length)
        self.add_param(shape[::-1] if options.transpose else shape, options.weight_filler)
        if options.bias_term:
            self.add_param((options.num_output,), options.bias_filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        length = prod(shape[self.first :])
        if length != self.length:
            raise self.error(
                f"the weight takes {self.length} values an item, but bottom '{self.bottom_names[0]}' now has {length}; "
                "only the axes before the axis of the product can change"
            )
        self.items = prod(shape[: self.first])
        top[0].reshape((*shape[: self.first], self.options.num_output))
        self.ones = self.work_array((1, self.items)) + 1 if self.options.bias_term else None

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, y = bottom[0].data.reshape(self.items, -1), top[0].data.reshape(self.items, -1)
        add_product(self.backend, x, self._weight(self.blobs[0].data).T, y, False)
        if self.options.bias_term:
            y += self.blobs[1].data

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        x, dy = bottom[0].data.reshape(self.items, -1), top[0].diff.reshape(self.items, -1)
        if self.param_propagate_down[0]:
            add_product(self.backend, dy.T, x, self._weight(self.blobs[0].diff), True)
        if self.options.bias_term and self.param_propagate_down[1]:
            add_product(self.backend, self.ones, dy, self.blobs[1].diff.reshape(1, -1), True)
        if propagate_down[0]:
            dx = bottom[0].diff.reshape(self.items, -1)
            add_product(self.backend, dy, self._weight(self.blobs[0].data), dx, False)

    def _weight(self, array: Array) -> Array:
        """The weight (or its gradient) as num_output × length, a view."""
        return array.T if self.options.transpose else array
