"""What RNN and LSTM share: products over all time steps at once, the loop over them, the states between passes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import ClassVar

from cafpy.backend import Array
from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text
from cafpy.ops.inner_product import add_product


class RecurrentLayer(Layer):
    """A layer that goes through time steps t = 0 … T - 1, for N sequences beside each other.

    All steps' inputs are multiplied with their weights in one product; what is left for the loop is the product with
    the state before. A subclass says what a step does with the sum (``step``, ``step_backward``) and names its states.

    In forward and backward there are, of shapes with T time steps, N sequences, D = num_output and G = gates · D:

        gates, dgates (T × N × G): a step's weighted input and its gradient.
        states: for each name in ``state_names`` an array (T + 1) × N × D; entry t is the state before step t.
        cont (T × N), before (T × N × D): h of the step before, times cont.
        dh, next_dh (N × D): gradient of h after the step, and of the h before.
    """

    bottoms = (2, None)
    tops = (1, None)
    options_field = "recurrent_param"
    state_names: ClassVar[tuple[str, ...]]
    gate_count: ClassVar[int]

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if not self.options.num_output:
            raise self.error("num_output is missing; write `recurrent_param { num_output: … }`, the size of the state")
        exposed = len(self.state_names) if self.options.expose_hidden else 0
        self._check_counts(len(bottom), len(top), exposed)
        self.has_static = len(bottom) > 2 + exposed
        first = 3 if self.has_static else 2
        self.exposed = range(first, first + exposed)
        self.no_gradient = (1, *self.exposed)
        self._check_shapes(bottom)
        size = self.gate_count * self.options.num_output
        self.add_param((size, prod(bottom[0].shape[2:])), self.options.weight_filler)
        self.add_param((size,), self.options.bias_filler)
        if self.has_static:
            self.add_param((size, prod(bottom[2].shape[1:])), self.options.weight_filler)
        self.hidden_index = len(self.blobs)
        self.add_param((size, self.options.num_output), self.options.weight_filler)
        self.carried: list[Array] = []

    def _check_counts(self, bottoms: int, tops: int, exposed: int) -> None:
        least = 2 + exposed
        if not least <= bottoms <= least + 1:
            given = f", {' and '.join(f'{name}_0' for name in self.state_names)}" if exposed else ""
            raise self.error(
                f"has {bottoms} bottoms; with expose_hidden: {'true' if exposed else 'false'} it takes the input, the "
                f"sequence indicators, an input without time if wanted{given}: {least} or {least + 1}"
            )
        if tops != 1 + exposed:
            given = f" and {' and '.join(f'{name}_T' for name in self.state_names)}" if exposed else ""
            raise self.error(
                f"has {tops} tops; with expose_hidden: {'true' if exposed else 'false'} it gives the output{given}: "
                f"{1 + exposed}"
            )

    def _check_shapes(self, bottom: Sequence[Blob]) -> None:
        names = self.bottom_names
        if bottom[0].ndim < 2:
            raise self.error(
                f"bottom '{names[0]}' has shape {shape_text(bottom[0].shape)}; it must have two axes at least, time "
                "steps × sequences"
            )
        steps, sequences = bottom[0].shape[:2]
        wanted = {1: (steps, sequences)} | dict.fromkeys(self.exposed, (1, sequences, self.options.num_output))
        for i, shape in wanted.items():
            if bottom[i].shape != shape:
                what = "sequence indicators" if i == 1 else "first state"
                raise self.error(
                    f"bottom '{names[i]}', the {what}, has shape {shape_text(bottom[i].shape)}; it must have "
                    f"{shape_text(shape)}, as bottom '{names[0]}' is {shape_text(bottom[0].shape)}"
                )
        if self.has_static and bottom[2].shape[:1] != (sequences,):
            raise self.error(
                f"bottom '{names[2]}', the input without time, has shape {shape_text(bottom[2].shape)}; its first axis "
                f"must be the {sequences} sequences of bottom '{names[0]}' ({shape_text(bottom[0].shape)})"
            )

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._check_shapes(bottom)
        for i, blob in [(0, self.blobs[0]), (2, self.blobs[2])] if self.has_static else [(0, self.blobs[0])]:
            size = prod(bottom[i].shape[1 if i else 2 :])
            if size != blob.shape[1]:
                raise self.error(
                    f"bottom '{self.bottom_names[i]}' (shape {shape_text(bottom[i].shape)}) has {size} values an item, "
                    f"but this layer was built for {blob.shape[1]}"
                )
        steps, sequences = bottom[0].shape[:2]
        state, size = (sequences, self.options.num_output), self.blobs[1].count
        top[0].reshape((steps, *state))
        for blob in top[1:]:
            blob.reshape((1, *state))
        self.gates, self.dgates = (self.work_array((steps, sequences, size)) for _ in range(2))
        self.states = [self.work_array((steps + 1, *state)) for _ in self.state_names]
        self.before = self.work_array((steps, *state))
        self.dh, self.next_dh = (self.work_array(state) for _ in range(2))
        self.per_sequence = self.work_array((sequences, size))
        if not self.carried or self.carried[0].shape != state:
            self.carried = [self.work_array(state) for _ in self.state_names]

    # -- what a subclass implements ----------------------------------------------------------------------------

    def step(self, t: int, cont: Array) -> None:
        """Compute the states ``t + 1`` from ``gates[t]`` and the states ``t``; ``cont`` has N entries."""
        raise NotImplementedError

    def step_backward(self, t: int) -> None:
        """Compute ``dgates[t]`` from ``dh``."""
        raise NotImplementedError

    def give_output(self, top: Blob) -> None:
        """Write the output of all time steps."""
        top.data[...] = self.states[0][1:]

    def take_output_diff(self, top: Blob) -> Array:
        """The gradient (T × N × D) that reaches h through the output."""
        return top.diff

    # ----------------------------------------------------------------------------------------------------------

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        steps, cont = bottom[0].shape[0], bottom[1].data
        self._weight_inputs(bottom)
        for k, states in enumerate(self.states):
            states[0] = bottom[self.exposed[k]].data[0] if self.exposed else self.carried[k]
        hidden, weight = self.states[0], self.blobs[self.hidden_index].data
        for t in range(steps):
            self.xp.multiply(hidden[t], cont[t][:, None], out=self.before[t])
            add_product(self.backend, self.before[t], weight.T, self.gates[t], True)
            self.step(t, cont[t])
        self.give_output(top[0])
        for k, states in enumerate(self.states):
            self.carried[k][...] = states[steps]
            if self.exposed:
                top[1 + k].data[0] = states[steps]

    def _weight_inputs(self, bottom: Sequence[Blob]) -> None:
        weight, bias = self.blobs[0].data, self.blobs[1].data
        rows = self.gates.reshape(-1, self.gates.shape[2])
        x = bottom[0].data.reshape(rows.shape[0], weight.shape[1])
        add_product(self.backend, x, weight.T, rows, False)
        rows += bias
        if self.has_static:
            weight = self.blobs[2].data
            static = bottom[2].data.reshape(-1, weight.shape[1])
            add_product(self.backend, static, weight.T, self.per_sequence, False)
            self.gates += self.per_sequence

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        above, cont, weight = self.take_output_diff(top[0]), bottom[1].data, self.blobs[self.hidden_index].data
        self.next_dh[...] = 0
        for t in reversed(range(bottom[0].shape[0])):
            self.xp.add(above[t], self.next_dh, out=self.dh)
            self.step_backward(t)
            if t:
                add_product(self.backend, self.dgates[t], weight, self.next_dh, False)
                self.next_dh *= cont[t][:, None]
        rows = self.dgates.reshape(-1, self.dgates.shape[2])
        x = bottom[0].data.reshape(rows.shape[0], self.blobs[0].shape[1])
        self.add_products(0, rows, x)
        self.add_products(self.hidden_index, rows, self.before.reshape(rows.shape[0], -1))
        if propagate_down[0]:
            add_product(self.backend, rows, self.blobs[0].data, bottom[0].diff.reshape(x.shape), False)
        if self.has_static:
            self._static_backward(bottom[2], propagate_down[2])
        if self.param_propagate_down[1]:
            bias_diff = self.blobs[1].diff
            bias_diff += self.xp.sum(rows, axis=0)

    def _static_backward(self, static: Blob, propagate_down: bool) -> None:
        weight = self.blobs[2]
        self.xp.sum(self.dgates, axis=0, out=self.per_sequence)
        self.add_products(2, self.per_sequence, static.data.reshape(-1, weight.shape[1]))
        if propagate_down:
            dx = static.diff.reshape(-1, weight.shape[1])
            add_product(self.backend, self.per_sequence, weight.data, dx, False)

    def add_products(self, index: int, dy: Array, x: Array) -> None:
        """Add dyᵀ x to the gradient of parameter ``index``, if that is wanted."""
        if self.param_propagate_down[index]:
            add_product(self.backend, dy.T, x, self.blobs[index].diff, True)
