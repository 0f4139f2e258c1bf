"""Silence."""

from cafpy.testing.case import Case

# the gradient is 0 everywhere, so there is none to compare with differences
CASES = [
    Case("one", 'type: "Silence"', [(2, 3)], tops=0, gradient=()),
    Case("two", 'type: "Silence"', [(2, 3, 4), (5,)], tops=0, gradient=()),
]
