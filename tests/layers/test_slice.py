"""Slice: its cases and what it refuses."""

import numpy as np
import pytest

from cafpy.testing.case import Case, build

CASES = [
    Case("equal parts", 'type: "Slice"', [(2, 6, 2, 3)], tops=3),
    Case("points", 'type: "Slice" slice_param { slice_point: 1 slice_point: 4 }', [(2, 6, 2, 3)], tops=3),
    Case("items", 'type: "Slice" slice_param { axis: 0 slice_point: 1 }', [(3, 2)], tops=2),
    Case("from the end", 'type: "Slice" slice_param { axis: -1 }', [(2, 3, 4)], tops=2),
    Case("old name", 'type: "Slice" slice_param { slice_dim: 2 }', [(2, 3, 4)], tops=2),
    Case("one", 'type: "Slice"', [(2, 3)]),
]


def test_one_top_is_not_copied():
    harness = build(Case("one", 'type: "Slice"', [(2, 3)]))
    assert np.shares_memory(harness.top[0].data, harness.bottom[0].data)
    assert np.shares_memory(harness.top[0].diff, harness.bottom[0].diff)


@pytest.mark.parametrize(
    ("options", "tops", "text"),
    [
        (
            "",
            2,
            "axis 1 of bottom 'b0' (shape 2×3×8×8) cannot be cut into 2 equal parts, as 3 is no multiple of 2; "
            "say with slice_point where to cut",
        ),
        (
            "slice_param { slice_point: 5 }",
            2,
            "slice_point: 5 must rise from 1 at least to 2 at most, to cut axis 1 of bottom 'b0' (shape 2×3×8×8)",
        ),
        (
            "slice_param { axis: 2 slice_point: 4 slice_point: 4 }",
            3,
            "slice_point: 4, 4 must rise from 1 at least to 7 at most, to cut axis 2 of bottom 'b0' (shape 2×3×8×8)",
        ),
        ("slice_param { slice_point: 1 slice_point: 2 }", 2, "slice_point is given 2 times; 2 tops want 1"),
        (
            "slice_param { axis: -5 }",
            1,
            "axis: -5 is out of range for a bottom with 4 axes (shape 2×3×8×8); use -4 to 3",
        ),
        (
            "slice_param { slice_dim: 4 }",
            1,
            "slice_dim: 4 is out of range for a bottom with 4 axes (shape 2×3×8×8); use -4 to 3",
        ),
        (
            "slice_param { axis: 1 slice_dim: 1 }",
            1,
            "axis and slice_dim mean the same; remove slice_dim, the old name",
        ),
    ],
)
def test_refuses(refusal, options, tops, text):
    assert refusal(f'type: "Slice" {options}', [(2, 3, 8, 8)], tops) == text
