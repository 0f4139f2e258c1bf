"""Swish."""

from cafpy.testing.case import Case

CASES = [
    Case("plain", 'type: "Swish"', [(2, 3, 4)]),
    Case("beta", 'type: "Swish" swish_param { beta: 0.5 }', [(2, 3, 4)]),
    Case("in_place", 'type: "Swish" swish_param { beta: 2 }', [(2, 3, 4)], in_place=True),
]
