"""Embed: its cases and what it refuses."""

import numpy as np
import pytest

from cafpy.testing.case import Case


def layer(options: str = "input_dim: 7 num_output: 4") -> str:
    fillers = 'weight_filler { type: "gaussian" } bias_filler { type: "gaussian" }'
    return f'type: "Embed" embed_param {{ {options} {fillers} }}'


CASES = [
    Case("bias", layer(), [np.array([3, 0, 6, 3, 3, 1])]),
    Case("no bias", layer("input_dim: 7 num_output: 4 bias_term: false"), [np.array([[3, 0], [6, 3]])]),
    Case("four axes", layer(), [np.array([2, 5, 2]).reshape(3, 1, 1, 1)]),
]

OUT_OF_RANGE = "bottom 'b0' must hold whole numbers from 0 to 6 (input_dim - 1)"


@pytest.mark.parametrize(
    ("options", "values", "text"),
    [
        (
            "input_dim: 7",
            [1],
            "num_output is missing; write `embed_param { num_output: … }`, the length of the vectors",
        ),
        (
            "num_output: 7",
            [1],
            "input_dim is missing; write `embed_param { input_dim: … }`, how many vectors there are",
        ),
        ("input_dim: 7 num_output: 2", [0, 7], OUT_OF_RANGE),
        ("input_dim: 7 num_output: 2", [0, -1], OUT_OF_RANGE),
        ("input_dim: 7 num_output: 2", [0, 1.5], OUT_OF_RANGE),
    ],
)
def test_refuses(refusal, options, values, text):
    assert refusal(layer(options), [np.array(values)]) == text
