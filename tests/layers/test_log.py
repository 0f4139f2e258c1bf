"""Log."""

import numpy as np
import pytest

from cafpy.backend import CpuBackend
from cafpy.testing.case import Case, build

POSITIVE = np.linspace(0.1, 5, 12).reshape(3, 4)

CASES = [
    Case("e", 'type: "Log"', [POSITIVE]),
    Case("base", 'type: "Log" log_param { base: 2 scale: 3 shift: 1 }', [POSITIVE]),
    Case("in_place", 'type: "Log" log_param { base: 10 }', [POSITIVE], in_place=True),
]


def test_zero_and_below():
    for backend in (None, CpuBackend()):
        (y,) = build(Case("edge", 'type: "Log"', [np.array([0.0, -1, np.inf])]), backend).forward()
        np.testing.assert_array_equal(y, [-np.inf, np.nan, np.inf])


@pytest.mark.parametrize("base", ["0", "-2", "1"])
def test_refuses_a_base_without_logarithms(refusal, base):
    said = refusal(f'type: "Log" log_param {{ base: {base} }}', [(2, 3)])
    assert said == f"base: {base} must be greater than 0 and not 1, or -1 for e"
