"""LSTMUnit: its cases and what it refuses."""

import numpy as np
import pytest

from cafpy.testing.case import Case

CASES = [
    Case("goes on", 'type: "LSTMUnit"', [(1, 4, 3), (1, 4, 12), np.ones((1, 4))], tops=2),
    Case("begins", 'type: "LSTMUnit"', [(1, 4, 3), (1, 4, 12), np.array([[1, 0, 1, 0]])], tops=2),
    # Caffe's gradient of the forget gate, which differences of forward do not give
    Case("between", 'type: "LSTMUnit"', [(1, 2, 3), (1, 2, 12), np.array([[0.5, 0.1]])], tops=2, gradient=()),
    Case("many", 'type: "LSTMUnit"', [(1, 64, 96), (1, 64, 384), np.ones((1, 64))], tops=2),
]


@pytest.mark.parametrize(
    ("bottoms", "text"),
    [
        (
            [(2, 4, 3), (1, 4, 12), (1, 4)],
            "bottom 'b0', the cells before, has shape 2×4×3; it must have 1 × sequences × cells",
        ),
        (
            [(1, 4, 3), (1, 4, 9), (1, 4)],
            "bottom 'b1' has shape 1×4×9; it must have 1×4×12, as bottom 'b0' has 1×4×3",
        ),
        ([(1, 4, 3), (1, 4, 12), (4,)], "bottom 'b2' has shape 4; it must have 1×4, as bottom 'b0' has 1×4×3"),
    ],
)
def test_refuses(refusal, bottoms, text):
    assert refusal('type: "LSTMUnit"', bottoms, tops=2) == text
