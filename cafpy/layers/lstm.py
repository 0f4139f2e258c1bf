"""LSTM: a recurrent network with cells that remember."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.backend import Array
from cafpy.blob import Blob
from cafpy.layers._recurrent import RecurrentLayer
from cafpy.ops.lstm_unit import lstm_unit, lstm_unit_backward


class LSTM(RecurrentLayer):
    """Long short-term memory, run over T time steps of N sequences beside each other (Hochreiter and Schmidhuber, Long
    Short-Term Memory, 1997; without peepholes, as in Zaremba and Sutskever, Learning to Execute, 2014).

    (i, f, o, g) = W_xc x_t + b_c + W_cs s + W_hc (cont_t · h_{t-1}); c_t = cont_t · sigmoid(f) · c_{t-1} + sigmoid(i) ·
    tanh(g); h_t = sigmoid(o) · tanh(c_t). cont_t is 0 where a sequence begins, which forgets the state, and 1
    elsewhere. The state after the last step is kept for the next forward pass, so that long sequences can come in
    pieces; gradients do not reach back into the piece before.

    Shapes: bottoms x T × N × …, cont T × N, then, if wanted, an input s without time, N × …; top h T × N × D. With
    ``expose_hidden`` there are also last bottoms h_0 and c_0 and last tops h_T and c_T, 1 × N × D each; they get and
    give no gradient. Parameters: W_xc 4D × I, b_c 4D, W_cs 4D × S (only with s), W_hc 4D × D; rows i, f, o, g.

    Options (recurrent_param):
        num_output: D, the size of the state (required).
        weight_filler, bias_filler: first values of all weights and of the bias (default constant 0).
        expose_hidden: take the first state from bottoms and give the last as tops, instead of keeping it (default
            false).
        debug_info: taken for Caffe's sake, without effect.

    ```
    layer {
      name: "lstm" type: "LSTM" bottom: "vectors" bottom: "cont" top: "lstm"
      recurrent_param { num_output: 1000 weight_filler { type: "uniform" min: -0.08 max: 0.08 } }
    }
    ```
    """

    state_names = ("h", "c")
    gate_count = 4

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        state = bottom[0].shape[1], self.options.num_output
        self.d = self.work_array((2, *state))  # gradients of c and of h
        self.dh = self.d[1]

    def step(self, t: int, cont: Array) -> None:
        h, c = self.states
        lstm_unit(self.backend, c[t], cont, self.gates[t], c[t + 1], h[t + 1])

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        self.d[0] = 0
        super().backward(top, propagate_down, bottom)

    def step_backward(self, t: int) -> None:
        c = self.states[1]
        lstm_unit_backward(self.backend, c[t], self.gates[t], c[t + 1], self.d, self.dgates[t])
