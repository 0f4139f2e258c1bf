"""ArgMax: its cases and what it refuses."""

import numpy as np
import pytest

from cafpy.testing.case import Case, build


def layer(options: str = "") -> str:
    return f'type: "ArgMax" argmax_param {{ {options} }}'


CASES = [
    Case("default", layer(), [(2, 3, 4, 5)]),
    Case("values too", layer("out_max_val: true"), [(6, 5)]),
    Case("top k", layer("top_k: 4"), [(2, 3, 4, 5)]),
    Case("top k and values", layer("top_k: 4 out_max_val: true"), [(2, 3, 4)]),
    Case("axis", layer("axis: 1"), [(2, 3, 4, 5)]),
    Case("axis, top k", layer("axis: -1 top_k: 2"), [(2, 3, 4)]),
    Case("axis, values", layer("axis: 0 out_max_val: true"), [(4, 3)]),
    Case("axis, top k, values", layer("axis: 2 top_k: 3 out_max_val: true"), [(2, 3, 4)]),
]


@pytest.mark.parametrize(("top_k", "found"), [(1, [3]), (3, [3, 1, 0])])
def test_of_equal_values_the_one_further_back_is_larger(top_k, found):
    harness = build(Case("ties", layer(f"axis: 0 top_k: {top_k}"), [np.array([2, 5, 1, 5])]))
    np.testing.assert_array_equal(harness.forward()[0], found)


@pytest.mark.parametrize(
    ("options", "bottom", "text"),
    [
        ("top_k: 61", (2, 3, 4, 5), "top_k: 61 is not between 1 and the 60 values that are compared"),
        ("axis: 1 top_k: 4", (2, 3, 4, 5), "top_k: 4 is not between 1 and the 3 values that are compared"),
        ("top_k: 0", (2, 3), "top_k: 0 is not between 1 and the 3 values that are compared"),
        ("axis: 2", (2, 3), "axis: 2 is out of range for a bottom with 2 axes (shape 2×3); use -2 to 1"),
        ("", (), "a bottom of shape (no axes) holds no items to compare values in"),
    ],
)
def test_refuses(refusal, options, bottom, text):
    assert refusal(layer(options), [bottom]) == text
