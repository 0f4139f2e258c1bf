"""BNLL."""

import numpy as np

from cafpy.backend import CpuBackend
from cafpy.testing.case import Case, build

CASES = [
    Case("plain", 'type: "BNLL"', [(2, 3, 4)]),
    Case("in_place", 'type: "BNLL"', [(2, 3, 4)], in_place=True),
]


def test_does_not_overflow():
    for backend in (None, CpuBackend()):
        (y,) = build(Case("large", 'type: "BNLL"', [np.array([-1000.0, 0, 1000])]), backend).forward()
        np.testing.assert_allclose(y, [0, np.log(2), 1000], rtol=1e-6)
