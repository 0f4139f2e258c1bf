"""Bias: its cases and what it refuses."""

import numpy as np
import pytest

from cafpy.testing.case import Case, build


def layer(options: str = "") -> str:
    return f'type: "Bias" bias_param {{ {options} filler {{ type: "gaussian" }} }}'


X = (2, 3, 4, 5)

CASES = [
    Case("channels", layer(), [X]),
    Case("in place", layer(), [X], in_place=True),
    Case("two axes", layer("num_axes: 2"), [X]),
    Case("all axes", layer("axis: -2 num_axes: -1"), [X]),
    Case("one bias", layer("num_axes: 0"), [X]),
    Case("matrix", layer(), [(4, 6)]),
    Case("axis 0", layer("axis: 0"), [(4, 6)]),
    Case("two bottoms", layer(), [X, (3,)]),
    Case("two bottoms, in place", layer("axis: 0"), [(2, 3, 4), (2, 3)], in_place=True),
    Case("two bottoms of one shape", layer("axis: 0"), [(2, 3), (2, 3)]),
    Case("two bottoms, a number", layer("axis: 3"), [X, ()]),
]


def test_default_filler():
    harness = build(Case("default", 'type: "Bias"', [X]))
    np.testing.assert_array_equal(harness.data(harness.layer.blobs), [[0, 0, 0]])


@pytest.mark.parametrize(
    ("options", "bottoms", "text"),
    [
        ("axis: 4", [X], "axis: 4 is out of range for a bottom with 4 axes (shape 2×3×4×5); use -4 to 3"),
        (
            "axis: 2 num_axes: 3",
            [X],
            "num_axes: 3 is more than the 2 axes that a bottom of shape 2×3×4×5 has from axis 2 on",
        ),
        (
            "",
            [X, (4,)],
            "bottom 'b1' has shape 4, but bottom 'b0' has 3 from axis 1 on (its shape is 2×3×4×5); the two must agree",
        ),
    ],
)
def test_refuses(refusal, options, bottoms, text):
    assert refusal(layer(options), bottoms) == text
