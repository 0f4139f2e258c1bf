"""Power: its cases, and the gradient in place, which Caffe has wrong."""

import numpy as np

from cafpy.testing.case import Case, build

POSITIVE = np.linspace(0.1, 5, 12).reshape(3, 4)


def power(options):
    return f'type: "Power" power_param {{ {options} }}'


CASES = [
    Case("identity", 'type: "Power"', [(2, 3)]),
    Case("linear", power("scale: 2 shift: 1"), [(2, 3, 4)]),
    Case("square", power("power: 2 scale: 0.5 shift: -1"), [(2, 3, 4)]),
    Case("cube_in_place", power("power: 3"), [(2, 3, 4)], in_place=True),
    Case("fraction", power("power: -0.75 scale: 0.1 shift: 1"), [POSITIVE]),
    Case("constant", power("power: 0 scale: 2 shift: 1"), [(2, 3)], gradient=()),
    Case("constant_square", power("power: 2 scale: 0 shift: 1.5"), [(2, 3)], gradient=()),
]


def test_gradient_in_place_depends_on_what_comes_from_above():
    harness = build(Case("place", power("scale: 2 shift: 1"), [np.arange(4.0)], in_place=True, phase="TEST"))
    harness.forward()
    harness.set_top_diff(0, np.arange(4.0))
    harness.backward([True])
    np.testing.assert_array_equal(harness.bottom[0].diff, [0, 2, 4, 6])


def test_no_gradient_where_the_power_is_constant():
    harness = build(Case("zero", power("power: 0"), [np.zeros(3)]))
    assert (harness.forward()[0] == 1).all()
    harness.set_top_diff(0, np.ones(3))
    harness.backward([True])
    assert (harness.bottom[0].diff == 0).all()
