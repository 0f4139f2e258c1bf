"""ReLU."""

import numpy as np

from cafpy.testing.case import Case, build

CASES = [
    Case("plain", 'type: "ReLU"', [(2, 3, 4, 5)], kinks=[0]),
    Case("in_place", 'type: "ReLU"', [(4, 6)], in_place=True, kinks=[0]),
    Case("leaky", 'type: "ReLU" relu_param { negative_slope: 0.1 }', [(4, 6)], kinks=[0]),
    Case("in_place_negative", 'type: "ReLU" relu_param { negative_slope: -0.5 }', [(4, 6)], in_place=True, kinks=[0]),
    Case("number", 'type: "ReLU"', [np.array(1.5)]),
]


def test_nan_is_passed_on():
    harness = build(Case("nan", 'type: "ReLU"', [np.array([np.nan, np.inf, 0])]))
    np.testing.assert_array_equal(harness.forward()[0], [np.nan, np.inf, 0])
