"""SigmoidCrossEntropyLoss."""

import numpy as np
import pytest

from cafpy.backend import CpuBackend
from cafpy.testing.case import Case, build

TARGETS = np.random.default_rng(0).random((5, 4))
WITH_IGNORED = np.arange(20).reshape(5, 4) % 3 - 1


def loss(options=""):
    return f'type: "SigmoidCrossEntropyLoss" {options}'


CASES = [
    Case("soft", loss(), [(5, 4), TARGETS]),
    Case("ignore", loss("loss_param { ignore_label: -1 }"), [(5, 4), WITH_IGNORED]),
    Case("valid", loss("loss_param { ignore_label: -1 normalization: VALID }"), [(5, 2, 2), WITH_IGNORED]),
    Case("full", loss("loss_param { normalization: FULL } loss_weight: 0.3"), [(5, 4), TARGETS]),
]


@pytest.mark.parametrize("backend", [None, CpuBackend()], ids=["plain", "fast"])
def test_large_scores(backend):
    x = np.array([[-1e4, 1e4, -1e4, 1e4]])
    harness = build(Case("large", loss(), [x, np.array([[0, 1, 1, 0]])]), backend)
    assert harness.forward()[0] == 2e4
    harness.backward([True, False])
    np.testing.assert_array_equal(harness.bottom[0].diff, [[0, 0, -1, 1]])


@pytest.mark.parametrize(
    ("bottoms", "said"),
    [
        (
            [(4, 3), (4, 2)],
            "bottom 'b0' (shape 4×3) has 12 scores, but 'b1' (shape 4×2) has 8 targets; there must be one for each",
        ),
        (
            [(4, 3), (3, 4)],
            "bottom 'b0' has 4 items (shape 4×3), but 'b1' has 3 (shape 3×4); both must come from one batch",
        ),
    ],
)
def test_refuses(refusal, bottoms, said):
    assert refusal(loss(), bottoms) == said
