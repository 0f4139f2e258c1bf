"""Clip: its cases, in place too, and what it refuses."""

import numpy as np
import pytest

from cafpy.errors import LayerError
from cafpy.testing.case import Case, build

RELU6 = 'type: "Clip" clip_param { min: 0 max: 6 }'
X = np.array([-1.0, 0, 2, 6, 7])

CASES = [
    Case("plain", 'type: "Clip" clip_param { min: -0.5 max: 0.75 }', [(2, 3, 4)], kinks=[-0.5, 0.75]),
    Case("in_place", 'type: "Clip" clip_param { min: -0.5 max: 0.75 }', [(2, 3, 4)], in_place=True, kinks=[-0.5, 0.75]),
]


@pytest.mark.parametrize("in_place", [False, True])
def test_a_value_on_a_limit_has_a_gradient(in_place):
    harness = build(Case("limits", RELU6, [X], in_place=in_place))
    np.testing.assert_array_equal(harness.forward()[0], [0, 0, 2, 6, 6])
    harness.set_top_diff(0, np.arange(1, 6))
    harness.backward([True])
    np.testing.assert_array_equal(harness.bottom[0].diff, [0, 2, 3, 4, 0])


def test_in_place_and_in_phase_test_it_refuses_a_gradient():
    harness = build(Case("test", RELU6, [X], in_place=True, phase="TEST"))
    harness.forward()
    with pytest.raises(LayerError) as raised:
        harness.backward([True])
    assert str(raised.value) == (
        "layer 'test' (Clip), test:1: has overwritten in place what its gradient needs, which it keeps in phase TRAIN "
        "only; give its top another name"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("", "min and max missing; write `clip_param { min: 0 max: 6 }`"),
        ("clip_param { min: 2 max: 1 }", "min: 2 is above max: 1"),
    ],
)
def test_refuses(refusal, options, said):
    assert refusal(f'type: "Clip" {options}', [(2, 3)]) == said
