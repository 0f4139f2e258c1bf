"""Reshape: its cases and what it refuses."""

import pytest

from cafpy.testing.case import Case, build


def layer(options: str) -> str:
    return f'type: "Reshape" reshape_param {{ {options} }}'


CASES = [
    Case("copy and infer", layer("shape { dim: 0 dim: -1 }"), [(2, 6, 4, 3)]),
    Case("infer in the middle", layer("shape { dim: 0 dim: -1 dim: 3 }"), [(2, 6, 4, 3)]),
    Case("explicit", layer("shape { dim: 12 dim: 12 }"), [(2, 6, 4, 3)]),
    Case("from axis 1", layer("shape { dim: 8 dim: -1 } axis: 1"), [(2, 6, 4, 3)]),
    Case("two axes", layer("shape { dim: 12 dim: -1 } axis: 1 num_axes: 2"), [(2, 6, 4, 3)]),
    Case("copy behind the axis", layer("shape { dim: 0 dim: -1 } axis: 2"), [(2, 6, 4, 3)]),
    Case("insert", layer("shape { dim: 1 dim: 1 } axis: 1 num_axes: 0"), [(2, 6, 4)]),
    Case("insert behind the last", layer("shape { dim: 1 } axis: -1"), [(2, 6)]),
    Case("from the end", layer("shape { dim: 6 dim: -1 } axis: -3"), [(2, 6, 4, 3)]),
    Case("to one axis", layer("shape { dim: -1 }"), [(2, 6, 4)]),
]


def test_to_a_single_number_and_back():
    single = build(Case("no axes", layer("shape { }"), [(1, 1)]))
    assert single.top[0].shape == ()
    assert build(Case("axes", layer("shape { dim: 1 dim: 1 }"), [()])).top[0].shape == (1, 1)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            "shape { dim: 10 dim: 20 }",
            "the new shape 10×20 has 200 values, but the bottom (2×3×8×8) has 384; "
            "let one axis be inferred with dim: -1",
        ),
        ("shape { dim: -1 dim: -1 }", "shape has dim: -1 2 times; only one axis can follow from the others"),
        ("shape { dim: -2 }", "shape has dim: -2; a dim is a size, 0 (copy) or -1 (infer)"),
        (
            "shape { dim: 0 dim: 7 dim: -1 }",
            "dim: -1 cannot be inferred: the 384 values of the bottom (2×3×8×8) are no multiple of 14, the product of "
            "the other axes; change the shape",
        ),
        (
            "shape { dim: -1 dim: 0 } axis: 3",
            "dim: 0 copies axis 4 of the bottom, but that has only 4 axes (shape 2×3×8×8); write a size or -1 instead",
        ),
        (
            "shape { dim: 1 } axis: 5",
            "axis: 5 is out of range for a bottom with 4 axes (shape 2×3×8×8); use -5 to 4",
        ),
        (
            "shape { dim: 1 } axis: 3 num_axes: 2",
            "num_axes: 2 is more than the 1 axes that a bottom of shape 2×3×8×8 has from axis 3 on",
        ),
        ("shape { dim: 1 } num_axes: -2", "num_axes: -2 is negative; -1 means all axes to the end"),
    ],
)
def test_refuses(refusal, options, text):
    assert refusal(layer(options), [(2, 3, 8, 8)]) == text
