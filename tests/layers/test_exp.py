"""Exp."""

import pytest

from cafpy.testing.case import Case

CASES = [
    Case("e", 'type: "Exp"', [(2, 3, 4)]),
    Case("base", 'type: "Exp" exp_param { base: 2 scale: 3 shift: 1 }', [(2, 3, 4)]),
    Case("in_place", 'type: "Exp" exp_param { scale: 0.5 shift: 0.5 }', [(2, 3, 4)], in_place=True),
]


@pytest.mark.parametrize("base", ["0", "-2"])
def test_refuses_a_base_without_powers(refusal, base):
    said = refusal(f'type: "Exp" exp_param {{ base: {base} }}', [(2, 3)])
    assert said == f"base: {base} must be greater than 0, or -1 for e"
