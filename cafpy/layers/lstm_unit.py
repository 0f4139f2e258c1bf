"""LSTMUnit: one time step of an LSTM without its weights."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text
from cafpy.ops.lstm_unit import lstm_unit, lstm_unit_backward


class LSTMUnit(Layer):
    """What is left of an LSTM's time step when its products with weights are layers of their own.

    (i, f, o, g) = x; c = cont · sigmoid(f) · c_prev + sigmoid(i) · tanh(g); h = sigmoid(o) · tanh(c). Shapes, for N
    sequences of D cells: bottoms c_prev 1 × N × D, x 1 × N × 4D, cont 1 × N (0 where a sequence begins, 1 elsewhere);
    tops c and h 1 × N × D. cont gets no gradient.

    ```
    layer {
      name: "unit_1" type: "LSTMUnit" bottom: "c_0" bottom: "gate_input_1" bottom: "cont_1" top: "c_1" top: "h_1"
    }
    ```
    """

    bottoms = 3
    tops = 2
    no_gradient = (2,)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        if len(shape) != 3 or shape[0] != 1:
            raise self.error(
                f"bottom '{self.bottom_names[0]}', the cells before, has shape {shape_text(shape)}; it must have 1 × "
                "sequences × cells"
            )
        for i, wanted in ((1, (1, shape[1], 4 * shape[2])), (2, (1, shape[1]))):
            if bottom[i].shape != wanted:
                raise self.error(
                    f"bottom '{self.bottom_names[i]}' has shape {shape_text(bottom[i].shape)}; it must have "
                    f"{shape_text(wanted)}, as bottom '{self.bottom_names[0]}' has {shape_text(shape)}"
                )
        top[0].reshape(shape)
        top[1].reshape(shape)
        # c is kept, as a layer behind this one may work in place on the top
        self.gates, self.c = self.work_array(bottom[1].shape[1:]), self.work_array(shape[1:])
        self.d, self.dgates = self.work_array((2, *shape[1:])), self.work_array(bottom[1].shape[1:])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.gates[...] = bottom[1].data[0]
        lstm_unit(self.backend, bottom[0].data[0], bottom[2].data[0], self.gates, self.c, top[1].data[0])
        top[0].data[0] = self.c

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if not any(propagate_down):
            return
        for i, blob in enumerate(top):
            self.d[i] = blob.diff[0]
        dgates = bottom[1].diff[0] if propagate_down[1] else self.dgates
        lstm_unit_backward(self.backend, bottom[0].data[0], self.gates, self.c, self.d, dgates)
        if propagate_down[0]:
            bottom[0].diff[0] = self.d[0]
