"""SigmoidCrossEntropyLoss."""

import numpy as np
import pytest

from cafpy.backend import CpuBackend
from cafpy.testing.case import Case, build

TARGETS = np.random.default_rng(0).random((5, 4))
WITH_IGNORED = np.arange(20).reshape(5, 4) % 3 - 1

MAPS = np.arange(72).reshape(3, 4, 2, 3) % 5 // 2 - 1  # -1 is ignored
WEIGHTS = "class_weight: 1 class_weight: 2.5 class_weight: 0 class_weight: 0.5"
BACKENDS = pytest.mark.parametrize("backend", [None, CpuBackend()], ids=["plain", "fast"])


def loss(options=""):
    return f'type: "SigmoidCrossEntropyLoss" {options}'


CASES = [
    Case("soft", loss(), [(5, 4), TARGETS]),
    Case("ignore", loss("loss_param { ignore_label: -1 }"), [(5, 4), WITH_IGNORED]),
    Case("valid", loss("loss_param { ignore_label: -1 normalization: VALID }"), [(5, 2, 2), WITH_IGNORED]),
    Case("full", loss("loss_param { normalization: FULL } loss_weight: 0.3"), [(5, 4), TARGETS]),
    Case("focal", loss("loss_param { focal_gamma: 2 focal_alpha: 0.25 }"), [(5, 4), TARGETS]),
    Case("focal_half", loss("loss_param { focal_gamma: 0.5 ignore_label: -1 }"), [(5, 4), WITH_IGNORED]),
    Case("smooth", loss("loss_param { label_smoothing: 0.2 }"), [(5, 4), TARGETS]),
    Case("smooth_ignore", loss("loss_param { label_smoothing: 0.2 ignore_label: -1 }"), [(5, 4), WITH_IGNORED]),
    Case("weights", loss(f"loss_param {{ {WEIGHTS} }}"), [(5, 4), TARGETS]),
    Case(
        "weights_maps",
        loss(f"loss_param {{ {WEIGHTS} ignore_label: -1 normalization: VALID }} loss_weight: 0.3"),
        [(3, 4, 2, 3), MAPS],
    ),
    Case(
        "all",
        loss(f"loss_param {{ {WEIGHTS} label_smoothing: 0.1 focal_gamma: 2 focal_alpha: 0.3 ignore_label: -1 }}"),
        [(3, 4, 2, 3), MAPS],
    ),
    Case(
        "alpha", loss("loss_param { focal_alpha: 0.9 normalization: VALID ignore_label: -1 }"), [(5, 4), WITH_IGNORED]
    ),
]


@BACKENDS
def test_large_scores(backend):
    x = np.array([[-1e4, 1e4, -1e4, 1e4]])
    harness = build(Case("large", loss(), [x, np.array([[0, 1, 1, 0]])]), backend)
    assert harness.forward()[0] == 2e4
    harness.backward([True, False])
    np.testing.assert_array_equal(harness.bottom[0].diff, [[0, 0, -1, 1]])


@BACKENDS
def test_focal_as_torchvision(backend):
    """torchvision.ops.sigmoid_focal_loss(x, t, alpha=0.25, gamma=2), summed, over the two items."""
    bottoms = [np.array([[2.0, -1], [0.5, -3]]), np.array([[1, 0], [0, 1]])]
    harness = build(Case("f", loss("loss_param { focal_gamma: 2 focal_alpha: 0.25 }"), bottoms), backend, np.float64)
    np.testing.assert_allclose(harness.forward()[0], 0.4960366223705167, rtol=1e-12)
    harness.backward([True, False])
    slopes = [[-0.0006088675244, 0.01971792374], [0.19730693320, -0.14084373508]]
    np.testing.assert_allclose(harness.bottom[0].diff, slopes, rtol=1e-8)


@BACKENDS
def test_focal_of_large_scores(backend):
    x = np.array([[-1e4, 1e4, -1e4, 1e4]])
    options = "loss_param { focal_gamma: 0.5 }"
    harness = build(Case("large", loss(options), [x, np.array([[0, 1, 1, 0]])]), backend)
    assert harness.forward()[0] == 2e4
    harness.backward([True, False])
    np.testing.assert_array_equal(harness.bottom[0].diff, [[0, 0, -1, 1]])


@BACKENDS
@pytest.mark.parametrize(("mode", "divisor"), [("", 2), ("normalization: VALID", 8), ("normalization: NONE", 1)])
def test_weights_and_smoothing_as_pytorch(backend, mode, divisor):
    """binary_cross_entropy_with_logits(x, 0.8 t + 0.1, weight=[1, 2.5, 0.5], reduction="sum"), divided."""
    bottoms = [np.array([[2, -1, 0.3], [0.5, -3, -0.2]]), np.array([[1, 0, 0], [0, 1, 1]])]
    options = f"class_weight: 1 class_weight: 2.5 class_weight: 0.5 label_smoothing: 0.2 {mode}"
    harness = build(Case("w", loss(f"loss_param {{ {options} }}"), bottoms), backend, np.float64)
    np.testing.assert_allclose(harness.forward()[0], 9.956874649878053 / divisor, rtol=1e-7)
    harness.backward([True, False])
    slopes = np.array([
        [-0.019202922022117708, 0.42235355342498776, 0.23722125840582953],
        [0.5224593312018546, -2.1314353170560834, -0.22491699865623893],
    ])  # fmt: skip
    np.testing.assert_allclose(harness.bottom[0].diff, slopes / divisor, rtol=1e-6)


@BACKENDS
@pytest.mark.parametrize("ignored", [0, 1])
def test_ignored_targets_are_those_that_came(backend, ignored):
    """Not what smoothing makes of them."""
    target = np.array([[ignored, 1 - ignored]])
    options = f"label_smoothing: 0.5 ignore_label: {ignored} normalization: VALID"
    harness = build(Case("i", loss(f"loss_param {{ {options} }}"), [np.array([[50.0, 0.0]]), target]), backend)
    np.testing.assert_allclose(harness.forward()[0], np.log(2), rtol=1e-6)
    harness.backward([True, False])
    assert harness.bottom[0].diff[0, 0] == 0 and harness.bottom[0].diff[0, 1] != 0


@BACKENDS
def test_smoothed_large_scores(backend):
    x = np.array([[-1e4, 1e4]])
    harness = build(Case("large", loss("loss_param { label_smoothing: 0.5 }"), [x, np.array([[0, 1]])]), backend)
    assert harness.forward()[0] == 5e3
    harness.backward([True, False])
    np.testing.assert_allclose(harness.bottom[0].diff, [[-0.25, 0.25]])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("focal_alpha: 1.5", "focal_alpha: 1.5 came; it must be from 0 to 1, as 0.25"),
        ("focal_gamma: -1", "focal_gamma: -1 came; it must be at least 0, as 2 (0: no focal loss)"),
        ("label_smoothing: 1", "label_smoothing: 1 came; it must be at least 0 and below 1, as 0.1"),
        (
            "class_weight: 1",
            "class_weight is given 1 times, but 'b0' has 3 classes; give it once for each class, "
            "`class_weight: 1 class_weight: 1 …`",
        ),
        (
            "class_weight: 1 class_weight: -1 class_weight: 1",
            "class_weight: -1 came for class 1; a weight must be a number from 0 on",
        ),
        ("balance_classes: true", "loss_param: it has no balance_classes; SoftmaxWithLoss has it"),
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


def test_weights_need_an_axis_of_classes(refusal):
    said = "class_weight: bottom 'b0' (shape 4) has no axis of classes, axis 1"
    assert refusal(loss("loss_param { class_weight: 1 }"), [(4,), (4,)]) == said
