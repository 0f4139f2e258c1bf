"""RNN: a simple recurrent network."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.backend import Array
from cafpy.blob import Blob
from cafpy.layers._recurrent import RecurrentLayer
from cafpy.ops.inner_product import add_product


class RNN(RecurrentLayer):
    """A recurrent network with one tanh layer for its state and one for its output, run over T time steps of N
    sequences beside each other (Elman, Finding Structure in Time, 1990).

    h_t = tanh(W_xh x_t + b_h + W_hs s + W_hh (cont_t · h_{t-1})), o_t = tanh(W_ho h_t + b_o). cont_t is 0 where a
    sequence begins, which forgets the state, and 1 elsewhere. The state after the last step is kept for the next
    forward pass, so that long sequences can come in pieces; gradients do not reach back into the piece before.

    Shapes: bottoms x T × N × …, cont T × N, then, if wanted, an input s without time, N × …; top o T × N × D. With
    ``expose_hidden`` there are also a last bottom h_0 and a second top h_T, 1 × N × D each; they get and give no
    gradient. Parameters: W_xh D × I, b_h D, W_hs D × S (only with s), W_hh D × D, W_ho D × D, b_o D.

    Options (recurrent_param):
        num_output: D, the size of state and output (required).
        weight_filler, bias_filler: first values of all weights and biases (default constant 0).
        expose_hidden: take the first state from a bottom and give the last as a top, instead of keeping it (default
            false).
        debug_info: taken for Caffe's sake, without effect.

    ```
    layer {
      name: "rnn" type: "RNN" bottom: "vectors" bottom: "cont" top: "rnn"
      recurrent_param { num_output: 256 weight_filler { type: "uniform" min: -0.08 max: 0.08 } }
    }
    ```
    """

    state_names = ("h",)
    gate_count = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().setup(bottom, top)
        size = self.options.num_output
        self.output_index = len(self.blobs)
        self.add_param((size, size), self.options.weight_filler)
        self.add_param((size,), self.options.bias_filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        rows = bottom[0].shape[0] * bottom[0].shape[1], self.options.num_output
        self.output, self.doutput = self.work_array(rows), self.work_array(rows)
        self.all_dh = self.work_array(top[0].shape)

    def step(self, t: int, cont: Array) -> None:
        self.xp.tanh(self.gates[t], out=self.states[0][t + 1])

    def step_backward(self, t: int) -> None:
        self._tanh_backward(self.dh, self.states[0][t + 1], self.dgates[t])

    def give_output(self, top: Blob) -> None:
        weight, bias = self.blobs[self.output_index].data, self.blobs[self.output_index + 1].data
        add_product(self.backend, self.states[0][1:].reshape(self.output.shape), weight.T, self.output, False)
        self.output += bias
        self.xp.tanh(self.output, out=self.output)  # a copy, as a layer behind this one may work in place
        top.data[...] = self.output.reshape(top.shape)

    def take_output_diff(self, top: Blob) -> Array:
        index = self.output_index
        self._tanh_backward(top.diff.reshape(self.output.shape), self.output, self.doutput)
        self.add_products(index, self.doutput, self.states[0][1:].reshape(self.output.shape))
        if self.param_propagate_down[index + 1]:
            bias_diff = self.blobs[index + 1].diff
            bias_diff += self.xp.sum(self.doutput, axis=0)
        add_product(self.backend, self.doutput, self.blobs[index].data, self.all_dh.reshape(self.output.shape), False)
        return self.all_dh

    def _tanh_backward(self, dy: Array, y: Array, dx: Array) -> None:
        self.xp.multiply(y, y, out=dx)
        self.xp.subtract(1, dx, out=dx)
        dx *= dy
