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
    Case("focal", loss("loss_param { focal_gamma: 2 focal_alpha: 0.25 }"), [(5, 4), TARGETS]),
    Case("focal_half", loss("loss_param { focal_gamma: 0.5 ignore_label: -1 }"), [(5, 4), WITH_IGNORED]),
    Case(
        "alpha", loss("loss_param { focal_alpha: 0.9 normalization: VALID ignore_label: -1 }"), [(5, 4), WITH_IGNORED]
    ),
]


@pytest.mark.parametrize("backend", [None, CpuBackend()], ids=["plain", "fast"])
def test_large_scores(backend):
    x = np.array([[-1e4, 1e4, -1e4, 1e4]])
    harness = build(Case("large", loss(), [x, np.array([[0, 1, 1, 0]])]), backend)
    assert harness.forward()[0] == 2e4
    harness.backward([True, False])
    np.testing.assert_array_equal(harness.bottom[0].diff, [[0, 0, -1, 1]])


@pytest.mark.parametrize("backend", [None, CpuBackend()], ids=["plain", "fast"])
def test_focal_as_torchvision(backend):
    """torchvision.ops.sigmoid_focal_loss(x, t, alpha=0.25, gamma=2), summed, over the two items."""
    bottoms = [np.array([[2.0, -1], [0.5, -3]]), np.array([[1, 0], [0, 1]])]
    harness = build(Case("f", loss("loss_param { focal_gamma: 2 focal_alpha: 0.25 }"), bottoms), backend, np.float64)
    np.testing.assert_allclose(harness.forward()[0], 0.4960366223705167, rtol=1e-12)
    harness.backward([True, False])
    slopes = [[-0.0006088675244, 0.01971792374], [0.19730693320, -0.14084373508]]
    np.testing.assert_allclose(harness.bottom[0].diff, slopes, rtol=1e-8)


@pytest.mark.parametrize("backend", [None, CpuBackend()], ids=["plain", "fast"])
def test_focal_of_large_scores(backend):
    x = np.array([[-1e4, 1e4, -1e4, 1e4]])
    options = "loss_param { focal_gamma: 0.5 }"
    harness = build(Case("large", loss(options), [x, np.array([[0, 1, 1, 0]])]), backend)
    assert harness.forward()[0] == 2e4
    harness.backward([True, False])
    np.testing.assert_array_equal(harness.bottom[0].diff, [[0, 0, -1, 1]])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("focal_alpha: 1.5", "focal_alpha: 1.5 came; it must be from 0 to 1, as 0.25"),
        ("focal_gamma: -1", "focal_gamma: -1 came; it must be at least 0, as 2 (0: no focal loss)"),
        (
            "label_smoothing: 0.1",
            "loss_param: it has no label_smoothing; SoftmaxWithLoss has it",
        ),
    ],
)
def test_refuses_options(refusal, options, said):
    assert refusal(loss(f"loss_param {{ {options} }}"), [(4, 3), (4, 3)]) == said


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
