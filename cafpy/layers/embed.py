"""Embed: a learned vector for each whole number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cafpy.blob import Blob
from cafpy.layer import Layer
from cafpy.ops.rows import add_rows, row_numbers, take_rows


class Embed(Layer):
    """Looks up a learned vector for each number (a word, a category): InnerProduct on one-hot vectors, without making
    them. top[i] = weight[bottom[i]] + bias.

    Shapes: bottom any shape → top that shape × num_output. Parameters: weight input_dim × num_output, bias num_output.
    The numbers get no gradient; one that is not a whole number in 0 … input_dim - 1 stops the run.

    Options (embed_param):
        num_output: length of the vectors (required).
        input_dim: how many numbers there are, the largest plus one (required).
        bias_term: add a bias to all vectors (default true).
        weight_filler, bias_filler: first values (default constant 0).

    ```
    layer {
      name: "embedding" type: "Embed" bottom: "words" top: "vectors"
      embed_param {
        input_dim: 8801 num_output: 1000 bias_term: false
        weight_filler { type: "uniform" min: -.08 max: .08 }
      }
    }
    ```
    """

    options_field = "embed_param"
    no_gradient = (0,)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for option, meaning in (
            ("num_output", "the length of the vectors"),
            ("input_dim", "how many vectors there are"),
        ):
            if not getattr(self.options, option):
                raise self.error(f"{option} is missing; write `embed_param {{ {option}: … }}`, {meaning}")
        self.add_param((self.options.input_dim, self.options.num_output), self.options.weight_filler)
        if self.options.bias_term:
            self.add_param((self.options.num_output,), self.options.bias_filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        top[0].reshape((*bottom[0].shape, self.options.num_output))
        self.index = self.work_array(bottom[0].count, np.int64)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        count, name = self.options.input_dim, self.bottom_names[0]
        ok = row_numbers(self.backend, bottom[0].data, count, self.index)
        self.backend.require(
            ok, lambda: f"{self.where}: bottom '{name}' must hold whole numbers from 0 to {count - 1} (input_dim - 1)"
        )
        y = top[0].data.reshape(self.index.size, self.options.num_output)
        take_rows(self.backend, self.blobs[0].data, self.index, y)
        if self.options.bias_term:
            y += self.blobs[1].data

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        dy = top[0].diff.reshape(self.index.size, self.options.num_output)
        if self.param_propagate_down[0]:
            add_rows(self.backend, dy, self.index, self.blobs[0].diff)
        if self.options.bias_term and self.param_propagate_down[1]:
            db = self.blobs[1].diff
            db += self.xp.sum(dy, axis=0)
