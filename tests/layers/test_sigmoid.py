"""Sigmoid."""

import numpy as np

from cafpy.backend import CpuBackend
from cafpy.testing.case import Case, build

CASES = [
    Case("plain", 'type: "Sigmoid"', [(2, 3, 4)]),
    Case("in_place", 'type: "Sigmoid"', [(2, 3, 4)], in_place=True),
]


def test_far_out():
    for backend in (None, CpuBackend()):
        (y,) = build(Case("far", 'type: "Sigmoid"', [np.array([-1000.0, 1000, np.nan])]), backend).forward()
        np.testing.assert_array_equal(y, [0, 1, np.nan])
