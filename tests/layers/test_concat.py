"""Concat: its cases and what it refuses."""

import numpy as np
import pytest

from cafpy.testing.case import Case, build

CASES = [
    Case("channels", 'type: "Concat"', [(2, 3, 4, 5), (2, 1, 4, 5), (2, 2, 4, 5)]),
    Case("items", 'type: "Concat" concat_param { axis: 0 }', [(2, 3), (4, 3)]),
    Case("from the end", 'type: "Concat" concat_param { axis: -1 }', [(2, 3, 4), (2, 3, 1)]),
    Case("old name", 'type: "Concat" concat_param { concat_dim: 2 }', [(2, 3, 4), (2, 3, 1)]),
    Case("one", 'type: "Concat"', [(2, 3)]),
]


def test_one_bottom_is_not_copied():
    harness = build(Case("one", 'type: "Concat"', [(2, 3)]))
    assert np.shares_memory(harness.top[0].data, harness.bottom[0].data)
    assert np.shares_memory(harness.top[0].diff, harness.bottom[0].diff)


@pytest.mark.parametrize(
    ("options", "bottoms", "text"),
    [
        (
            "",
            [(2, 3, 8, 8), (2, 3, 8, 4)],
            "bottom 'b1' has shape 2×3×8×4, but bottom 'b0' has 2×3×8×8; "
            "to be put together along axis 1 they must agree in axis 3 too",
        ),
        (
            "",
            [(2, 3, 8, 8), (2,)],
            "bottom 'b1' has shape 2, but bottom 'b0' has 2×3×8×8; "
            "they must have the same number of axes (a Reshape or Flatten can change it)",
        ),
        (
            "concat_param { axis: 4 }",
            [(2, 3, 8, 8)],
            "axis: 4 is out of range for a bottom with 4 axes (shape 2×3×8×8); use -4 to 3",
        ),
        (
            "concat_param { concat_dim: 2 }",
            [(2, 3)],
            "concat_dim: 2 is out of range for a bottom with 2 axes (shape 2×3); use -2 to 1",
        ),
        (
            "concat_param { axis: 1 concat_dim: 1 }",
            [(2, 3)],
            "axis and concat_dim mean the same; remove concat_dim, the old name",
        ),
    ],
)
def test_refuses(refusal, options, bottoms, text):
    assert refusal(f'type: "Concat" {options}', bottoms) == text
