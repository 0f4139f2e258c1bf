"""Scale: its cases and what it refuses."""

import numpy as np
import pytest

from cafpy.testing.case import Case, build

FILLERS = 'filler { type: "gaussian" mean: 1 } bias_filler { type: "gaussian" }'


def layer(options: str = "") -> str:
    return f'type: "Scale" scale_param {{ {options} {FILLERS} }}'


X = (2, 3, 4, 5)

CASES = [
    Case("channels", layer(), [X]),
    Case("with bias", layer("bias_term: true"), [X]),
    Case("in place", layer("bias_term: true"), [X], in_place=True),
    Case("two axes", layer("num_axes: 2 bias_term: true"), [X]),
    Case("all axes", layer("axis: -2 num_axes: -1 bias_term: true"), [X]),
    Case("one factor", layer("num_axes: 0 bias_term: true"), [X]),
    Case("matrix", layer("bias_term: true"), [(4, 6)]),
    Case("axis 0", layer("axis: 0"), [(4, 6)]),
    Case("two bottoms", layer(), [X, (3,)]),
    Case("two bottoms, bias", layer("bias_term: true"), [X, (3,)]),
    Case("two bottoms, in place", layer("axis: 0"), [(2, 3, 4), (2, 3)], in_place=True),
    Case("two bottoms, last axis", layer("axis: -1"), [X, (5,)]),
    Case("two bottoms of one shape", layer("axis: 0"), [(2, 3), (2, 3)]),
    Case("two bottoms, a number", layer("axis: 3"), [X, ()]),
]


def test_default_fillers():
    harness = build(Case("default", 'type: "Scale" scale_param { bias_term: true }', [X]))
    np.testing.assert_array_equal(harness.data(harness.layer.blobs), [[1, 1, 1], [0, 0, 0]])


def test_a_fixed_factor_needs_no_copy_of_the_bottom():
    harness = build(Case("fixed", layer(), [X], in_place=True))
    harness.layer.param_propagate_down[0] = False
    harness.forward()
    assert not np.any(harness.layer.kept)


@pytest.mark.parametrize(
    ("options", "bottoms", "text"),
    [
        ("axis: 4", [X], "axis: 4 is out of range for a bottom with 4 axes (shape 2×3×4×5); use -4 to 3"),
        (
            "axis: 2 num_axes: 3",
            [X],
            "num_axes: 3 is more than the 2 axes that a bottom of shape 2×3×4×5 has from axis 2 on",
        ),
        ("num_axes: -2", [X], "num_axes: -2 is negative; -1 means all axes from axis on"),
        (
            "",
            [X, (4,)],
            "bottom 'b1' has shape 4, but bottom 'b0' has 3 from axis 1 on (its shape is 2×3×4×5); the two must agree",
        ),
        (
            "axis: 3",
            [X, (5, 1)],
            "bottom 'b1' has shape 5×1, but bottom 'b0' has 5 from axis 3 on (its shape is 2×3×4×5); "
            "the two must agree",
        ),
    ],
)
def test_refuses(refusal, options, bottoms, text):
    assert refusal(layer(options), bottoms) == text


def test_refuses_another_number_of_channels_later():
    harness = build(Case("later", layer(), [X]))
    harness.set_bottom(0, np.zeros((2, 4, 4, 5)))
    with pytest.raises(ValueError) as raised:
        harness.forward()
    assert str(raised.value) == (
        "layer 'later' (Scale), later:1: the parameter has shape 3, but bottom 'b0' has 4 from axis 1 on "
        "(its shape is 2×4×4×5); the two must agree"
    )


def test_refuses_a_bottom_that_the_bias_cannot_follow():
    harness = build(Case("later", layer("bias_term: true"), [X, (3,)]))
    harness.set_bottom(0, np.zeros((2, 4, 4, 5)))
    harness.set_bottom(1, np.zeros(4))
    with pytest.raises(ValueError) as raised:
        harness.forward()
    assert str(raised.value) == (
        "layer 'later' (Scale), later:1: bottom 'b1' has shape 4 now, but the bias was made for 3"
    )
