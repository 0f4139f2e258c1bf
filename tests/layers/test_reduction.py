"""Reduction: its cases and what it refuses."""

import numpy as np

from cafpy.testing.case import Case, build


def layer(options: str, more: str = "") -> str:
    return f'type: "Reduction" {more} reduction_param {{ {options} }}'


CASES = [
    Case(f"{operation}, {axis or 'all'}", layer(f"operation: {operation} {axis}"), [(2, 3, 4)], kinks=[0])
    for operation in ("SUM", "ASUM", "SUMSQ", "MEAN")
    for axis in ("", "axis: 1", "axis: -1 coeff: -2.5")
] + [Case("as a loss", layer("operation: SUMSQ coeff: 0.5", "loss_weight: 3"), [(2, 3)])]


def test_of_a_single_number():
    harness = build(Case("single", layer("operation: MEAN coeff: 2"), [np.array(3.0)]))
    assert harness.forward()[0] == 6


def test_sum_of_absolute_values_has_slope_0_at_0():
    harness = build(Case("zero", layer("operation: ASUM"), [np.array([-1.0, 0, 2])]))
    harness.forward()
    harness.top[0].diff[...] = 3
    harness.backward([True])
    np.testing.assert_array_equal(harness.bottom[0].diff, [-3, 0, 3])


def test_refuses(refusal):
    text = "axis: 2 is out of range for a bottom with 2 axes (shape 2×3); use -2 to 1"
    assert refusal(layer("axis: 2"), [(2, 3)]) == text
