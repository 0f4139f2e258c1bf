"""ContrastiveLoss."""

import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.testing.case import Case, build

ALIKE = np.array([1, 0, 1, 0, 0])


def loss(options=""):
    return f'type: "ContrastiveLoss" contrastive_loss_param {{ {options} }}'


# the gradient has 1e-4 added to the distance that it divides by, as Caffe's, which differences of forward see
CASES = [
    Case("near", loss("margin: 6"), [(5, 3), (5, 3), ALIKE], gradient=()),
    Case("far", loss("margin: 0.01"), [(5, 3), (5, 3), ALIKE]),
    Case("legacy", loss("margin: 40 legacy_version: true") + " loss_weight: 0.3", [(5, 3, 1, 1), (5, 3, 1, 1), ALIKE]),
]


def test_gradient_is_that_of_the_formula_but_for_the_small_number():
    harness = build(CASES[0], dtype=np.float64)
    harness.forward()
    harness.backward([True, True, False])
    a, b = harness.bottom[0].data, harness.bottom[1].data
    distance = np.linalg.norm(a - b, axis=1, keepdims=True)
    unlike = -np.maximum(6 - distance, 0) / distance * (a - b)
    expected = np.where(ALIKE[:, None] == 1, a - b, unlike) / 5
    np.testing.assert_allclose(harness.bottom[0].diff, expected, rtol=3e-4)
    np.testing.assert_allclose(harness.bottom[1].diff, -expected, rtol=3e-4)


def test_pairs_that_are_neither():
    harness = build(Case("bad", loss(), [(3, 2), (3, 2), np.array([1, 0, -1])]))
    with pytest.raises(DataError) as raised:
        harness.forward()
    assert str(raised.value) == (
        "layer 'bad' (ContrastiveLoss), bad:1: 'b2' is -1 for pair 2; it must be 1 for a pair that is alike and 0 for "
        "one that is not"
    )


@pytest.mark.parametrize(
    ("bottoms", "said"),
    [
        (
            [(4, 3), (4, 2), (4,)],
            "bottoms 'b0' (shape 4×3) and 'b1' (shape 4×2) must have the same shape, N×C or N×C×1×1",
        ),
        (
            [(4, 3, 2), (4, 3, 2), (4,)],
            "bottoms 'b0' (shape 4×3×2) and 'b1' (shape 4×3×2) must have the same shape, N×C or N×C×1×1",
        ),
        ([(4, 3), (4, 3), (5,)], "bottom 'b2' (shape 5) must have one number, 1 or 0, for each of the 4 pairs"),
    ],
)
def test_refuses(refusal, bottoms, said):
    assert refusal(loss(), bottoms) == said
