"""PReLU."""

import numpy as np

from cafpy.testing.case import Case, build

CASES = [
    Case("channels", 'type: "PReLU"', [(2, 3, 4, 5)], kinks=[0]),
    Case("rows", 'type: "PReLU"', [(4, 6)], kinks=[0], params=[np.linspace(-0.5, 2, 6)]),
    Case("shared", 'type: "PReLU" prelu_param { channel_shared: true }', [(2, 3, 4)], kinks=[0]),
    Case(
        "in_place",
        'type: "PReLU" prelu_param { filler { type: "gaussian" std: 1 } }',
        [(2, 3, 4)],
        in_place=True,
        kinks=[0],
    ),
]


def test_slopes_begin_at_a_quarter():
    harness = build(CASES[0])
    np.testing.assert_array_equal(harness.layer.blobs[0].data, [0.25] * 3)
    assert build(CASES[2]).layer.blobs[0].shape == ()


def test_refuses_a_bottom_without_channels(refusal):
    assert refusal('type: "PReLU"', [(5,)]) == (
        "the bottom (shape 5) has no axis of channels, axis 1; write `prelu_param { channel_shared: true }` for a "
        "single slope"
    )
