"""TanH."""

from cafpy.testing.case import Case

CASES = [
    Case("plain", 'type: "TanH"', [(2, 3, 4)]),
    Case("in_place", 'type: "TanH"', [(2, 3, 4)], in_place=True),
]
