"""ELU."""

from cafpy.testing.case import Case

CASES = [
    Case("plain", 'type: "ELU"', [(2, 3, 4)], kinks=[0]),
    Case("alpha", 'type: "ELU" elu_param { alpha: 0.5 }', [(2, 3, 4)], kinks=[0]),
    Case("in_place", 'type: "ELU" elu_param { alpha: 0.7 }', [(2, 3, 4)], in_place=True, kinks=[0]),
    Case("in_place_negative", 'type: "ELU" elu_param { alpha: -0.7 }', [(2, 3, 4)], in_place=True, kinks=[0]),
]
