"""Softmax."""

import numpy as np
import pytest

from cafpy.backend import CpuBackend
from cafpy.testing.case import Case, build

CASES = [
    Case("classes", 'type: "Softmax"', [(4, 6)]),
    Case("many_classes", 'type: "Softmax"', [(3, 203)]),
    Case("places", 'type: "Softmax"', [(2, 3, 4, 5)]),
    Case("places_of_two_tiles", 'type: "Softmax"', [(2, 3, 150)]),
    Case("axis", 'type: "Softmax" softmax_param { axis: -1 }', [(2, 3, 4)]),
    Case("first_axis", 'type: "Softmax" softmax_param { axis: 0 }', [(3, 2)]),
    Case("in_place", 'type: "Softmax"', [(4, 6)], in_place=True),
    Case("one_class", 'type: "Softmax"', [(3, 1)], gradient=()),
]


@pytest.mark.parametrize("shape", [(2, 5), (2, 5, 3)])
def test_large_scores_and_nan(shape):
    x = np.zeros(shape)
    x[0] += 1e4 * np.arange(5).reshape(5, *[1] * (len(shape) - 2))
    x[1, 2] = np.nan
    for backend in (None, CpuBackend()):
        (y,) = build(Case("large", 'type: "Softmax"', [x]), backend).forward()
        np.testing.assert_array_equal(y[0], (x[0] == 4e4).astype(float))
        assert np.isnan(y[1]).all()


def test_refuses_an_axis_that_is_not_there(refusal):
    said = refusal('type: "Softmax"', [(5,)])
    assert said == "axis: 1 is out of range for a bottom with 1 axes (shape 5); use -1 to 0"
