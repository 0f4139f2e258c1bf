"""SPP: its cases and what it refuses."""

import numpy as np
import pytest

from cafpy.testing.case import Case, build


def layer(options: str) -> str:
    return f'type: "SPP" spp_param {{ {options} }}'


POSITIVE = np.random.default_rng(0).random((2, 3, 4, 4)) + 0.1

CASES = [
    Case("one level", layer("pyramid_height: 1"), [(2, 3, 5, 4)]),
    Case("maximum", layer("pyramid_height: 3"), [(2, 2, 13, 11)]),
    Case("mean", layer("pyramid_height: 2 pool: AVE"), [(2, 3, 5, 8)]),
    Case("drawn", layer("pyramid_height: 2 pool: STOCHASTIC"), [POSITIVE], stochastic=True),
]


def test_any_size_gives_one_length():
    harness = build(Case("sizes", layer("pyramid_height: 3"), [(2, 3, 8, 8)]))
    assert harness.top[0].shape == (2, 3 * (1 + 4 + 16))
    harness.set_bottom(0, np.random.default_rng(0).standard_normal((2, 3, 17, 9)))
    y = harness.forward()[0]
    assert y.shape == (2, 63)
    np.testing.assert_array_equal(y[:, :3], harness.bottom[0].data.max(axis=(2, 3)))


@pytest.mark.parametrize(
    ("options", "bottom", "text"),
    [
        (
            "",
            (2, 3, 8, 8),
            "pyramid_height is missing; write `spp_param { pyramid_height: 3 }`, the number of levels",
        ),
        (
            "pyramid_height: 3",
            (2, 3, 5, 8),
            "pyramid_height: 3 wants 4 × 4 windows, too many for the 5×8 positions of bottom 'b0': "
            "some would lie in padding alone; use fewer levels",
        ),
        ("pyramid_height: 2", (2, 3, 5), "bottom 'b0' has shape 2×3×5; wanted 4 axes, N×C×H×W"),
    ],
)
def test_refuses(refusal, options, bottom, text):
    assert refusal(layer(options), [bottom]) == text
