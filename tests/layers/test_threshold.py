"""Threshold."""

import pytest

from cafpy.errors import LayerError
from cafpy.testing.case import Case, build

CASES = [
    Case("plain", 'type: "Threshold"', [(2, 3, 4)]),
    Case("value", 'type: "Threshold" threshold_param { threshold: 0.5 }', [(2, 3, 4)], in_place=True),
]


def test_has_no_gradient():
    harness = build(CASES[0])
    harness.forward()
    with pytest.raises(LayerError) as raised:
        harness.backward([True])
    assert str(raised.value) == (
        "layer 'plain' (Threshold), plain:1: has no gradient, but a layer below it wants one; "
        "add `propagate_down: false`"
    )
