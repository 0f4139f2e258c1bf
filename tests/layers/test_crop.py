"""Crop: its cases and what it refuses."""

import numpy as np
import pytest

from cafpy.testing.case import Case, build


def layer(options: str = "") -> str:
    return f'type: "Crop" crop_param {{ {options} }}'


CASES = [
    Case("default", layer(), [(3, 4, 7, 8), (3, 2, 4, 5)], gradient=[0]),
    Case("one offset", layer("offset: 2"), [(3, 4, 7, 8), (3, 4, 4, 5)], gradient=[0]),
    Case("two offsets", layer("axis: 2 offset: 1 offset: 3"), [(3, 4, 7, 8), (3, 4, 4, 5)], gradient=[0]),
    Case("channels too", layer("axis: 1 offset: 1"), [(2, 4, 7), (2, 3, 4)], gradient=[0]),
    Case("from the end", layer("axis: -1 offset: 3"), [(3, 4, 7), (3, 4, 4)], gradient=[0]),
]


def test_the_reference_gets_a_gradient_of_zero():
    harness = build(CASES[0])
    harness.bottom[1].diff[...] = 1
    harness.backward([True, True])
    assert not np.any(harness.bottom[1].diff)


@pytest.mark.parametrize(
    ("options", "bottoms", "text"),
    [
        (
            "offset: 4",
            [(2, 3, 8, 8), (2, 3, 6, 4)],
            "offset: 4 and size 6 reach beyond axis 2 of bottom 'b0', which has 8 (shapes 2×3×8×8 and 2×3×6×4); "
            "use a smaller offset or a larger bottom",
        ),
        (
            "",
            [(2, 3, 8, 8), (2, 3, 6)],
            "bottom 'b1' has shape 2×3×6, but bottom 'b0' has 2×3×8×8; they must have the same number of axes",
        ),
        (
            "axis: 1 offset: 0 offset: 1",
            [(2, 3, 8, 8), (2, 3, 6, 6)],
            "offset is given 2 times for 3 cropped axes; give it once for all or once for each",
        ),
        (
            "axis: 4",
            [(2, 3, 8, 8), (2, 3, 6, 6)],
            "axis: 4 is out of range for a bottom with 4 axes (shape 2×3×8×8); use -4 to 3",
        ),
    ],
)
def test_refuses(refusal, options, bottoms, text):
    assert refusal(layer(options), bottoms) == text
