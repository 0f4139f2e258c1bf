"""EuclideanLoss."""

import numpy as np
import pytest

from cafpy.testing.case import Case, build

CASES = [
    Case("rows", 'type: "EuclideanLoss"', [(4, 3), (4, 3)]),
    Case("other_shape", 'type: "EuclideanLoss" loss_weight: 0.3', [(4, 6), (4, 2, 3)]),
    Case("numbers", 'type: "EuclideanLoss"', [(5,), (5,)]),
]


def test_value():
    (loss,) = build(Case("value", 'type: "EuclideanLoss"', [np.array([[1, 2], [3, 4]]), np.zeros((2, 2))])).forward()
    assert loss == (1 + 4 + 9 + 16) / 4


@pytest.mark.parametrize(
    ("bottoms", "said"),
    [
        (
            [(4, 3), (5, 3)],
            "bottom 'b0' has 4 items (shape 4×3), but 'b1' has 5 (shape 5×3); both must come from one batch",
        ),
        (
            [(4, 3), (4, 2)],
            "bottom 'b0' (shape 4×3) and 'b1' (shape 4×2) must have as many numbers for each item",
        ),
    ],
)
def test_refuses(refusal, bottoms, said):
    assert refusal('type: "EuclideanLoss"', bottoms) == said
