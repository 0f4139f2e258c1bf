"""Flatten: its cases and what it refuses."""

import pytest

from cafpy.testing.case import Case

CASES = [
    Case("default", 'type: "Flatten"', [(2, 3, 4, 5)]),
    Case("all", 'type: "Flatten" flatten_param { axis: 0 }', [(2, 3, 4)]),
    Case("middle", 'type: "Flatten" flatten_param { axis: 1 end_axis: 2 }', [(2, 3, 4, 5)]),
    Case("from the end", 'type: "Flatten" flatten_param { axis: -3 end_axis: -2 }', [(2, 3, 4, 5)]),
    Case("one axis", 'type: "Flatten"', [(3, 5)]),
]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            "axis: 3 end_axis: 2",
            "axis: 3 lies behind end_axis: 2 in a bottom of shape 2×3×4×5; give the first axis and the last",
        ),
        ("axis: 4", "axis: 4 is out of range for a bottom with 4 axes (shape 2×3×4×5); use -4 to 3"),
        ("end_axis: -5", "end_axis: -5 is out of range for a bottom with 4 axes (shape 2×3×4×5); use -4 to 3"),
    ],
)
def test_refuses(refusal, options, text):
    assert refusal(f'type: "Flatten" flatten_param {{ {options} }}', [(2, 3, 4, 5)]) == text


def test_refuses_to_work_in_place(refusal):
    text = refusal('type: "Flatten"', [(2, 3)], in_place=True)
    assert text == "cannot work in place: give it a top of another name than 'b0'"
