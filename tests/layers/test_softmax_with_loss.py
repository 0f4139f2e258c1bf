"""SoftmaxWithLoss: its cases, and every way in which labels can be wrong."""

import numpy as np
import pytest

from cafpy.backend import CpuBackend
from cafpy.errors import DataError
from cafpy.testing.case import Case, build
from cafpy.testing.fake_device import FakeBackend

CLASSES = np.array([0, 3, 2, 1, 2])
MAP = np.arange(24).reshape(2, 1, 3, 4) % 5
WEIGHTS = "class_weight: 0.5 class_weight: 2 class_weight: 1 class_weight: 0 class_weight: 0.25"
ALL = f"label_smoothing: 0.2 focal_gamma: 1.5 ignore_label: 2 {WEIGHTS}"


SHARES = np.random.default_rng(4).dirichlet(np.ones(4), 5)
SHARES_MAP = np.random.default_rng(4).dirichlet(np.ones(5), (2, 3, 4)).transpose(0, 3, 1, 2)


def loss(options=""):
    return f'type: "SoftmaxWithLoss" {options}'


CASES = [
    Case("classes", loss(), [(5, 4), CLASSES]),
    Case("places", loss(), [(2, 5, 3, 4), MAP]),
    Case("ignore", loss("loss_param { ignore_label: 2 }"), [(5, 4), CLASSES]),
    Case("ignore_places", loss("loss_param { ignore_label: 2 normalization: BATCH_SIZE }"), [(2, 5, 3, 4), MAP]),
    Case("full", loss("loss_param { normalization: FULL ignore_label: 1 }"), [(2, 5, 3, 4), MAP]),
    Case("none", loss("loss_param { normalization: NONE } loss_weight: 0.3"), [(5, 4), CLASSES]),
    Case("old", loss("loss_param { normalize: false }"), [(2, 5, 3, 4), MAP]),
    Case("axis", loss("softmax_param { axis: -1 }"), [(2, 3, 4), np.array([[0, 1, 2], [3, 3, 0]])]),
    Case("probabilities", loss(), [(5, 4), CLASSES], tops=2, gradient=()),
    Case("smoothing", loss("loss_param { label_smoothing: 0.1 }"), [(5, 4), CLASSES]),
    Case("weights", loss(f"loss_param {{ {WEIGHTS} ignore_label: 3 }}"), [(2, 5, 3, 4), MAP]),
    Case("focal", loss("loss_param { focal_gamma: 2 }"), [(5, 4), CLASSES]),
    Case("focal_half", loss("loss_param { focal_gamma: 0.5 normalization: FULL }"), [(2, 5, 3, 4), MAP]),
    Case("shares", loss(), [(5, 4), SHARES]),
    Case("shares_places", loss(f"loss_param {{ label_smoothing: 0.2 focal_gamma: 1.5 {WEIGHTS} }}"),
         [(2, 5, 3, 4), SHARES_MAP], tops=2, gradient=()),
    Case("shares_focal", loss("loss_param { focal_gamma: 0.5 normalization: FULL }"), [(2, 5, 3, 4), SHARES_MAP]),
    Case("all_of_them", loss(f"loss_param {{ {ALL} }}"), [(2, 5, 3, 4), MAP]),
    Case(
        "balanced", loss("loss_param { balance_classes: true }"), [(5, 4), CLASSES],
        prepare=lambda layer: layer.set_label_counts({0: 5, 1: 10, 2: 1, 3: 4}),
    ),
]  # fmt: skip


SCORES = np.array([[1.0, 2, 3], [3, 0.5, -1], [0, 0, 2], [1, -1, 0]])
THREE = "class_weight: 0.5 class_weight: 1 class_weight: 3"


@pytest.mark.parametrize("backend", [None, CpuBackend()], ids=["plain", "fast"])
@pytest.mark.parametrize(
    ("options", "loss_there", "slope_there"),
    [
        ("label_smoothing: 0.1", 1.3251077561312572, [0.014174309959, 0.052848784430, -0.067023094390]),
        (THREE, 1.0759646888557450, [0.049107585366, 0.133488256939, -0.182595842305]),
        (
            f"{THREE} label_smoothing: 0.1 ignore_label: 0",
            1.1549037198398793,
            [0.047984093374, 0.132828561835, -0.180812655208],
        ),
        (
            f"{THREE} ignore_label: 0 normalization: NONE",
            5.869968623999407,
            [0.270091719511, 0.734185413164, -1.004277132676],
        ),
    ],
)
def test_as_pytorch(backend, options, loss_there, slope_there):
    """What torch.nn.functional.cross_entropy (2.x, float64) gives with weight, label_smoothing and ignore_index."""
    case = Case("torch", loss(f"loss_param {{ {options} }}"), [SCORES, np.array([2, 0, 1, 1])])
    harness = build(case, backend, np.float64)
    np.testing.assert_allclose(harness.forward()[0], loss_there, rtol=1e-7)  # 0.1 is a float32 in the prototxt
    harness.backward([True, False])
    np.testing.assert_allclose(harness.bottom[0].diff[0], slope_there, rtol=1e-6)


@pytest.mark.parametrize("backend", [None, CpuBackend()], ids=["plain", "fast"])
@pytest.mark.parametrize("gamma", [0.5, 2])
def test_focal_by_the_formula(backend, gamma):
    labels = np.array([2, 0, 1, 1])
    case = Case("focal", loss(f"loss_param {{ focal_gamma: {gamma} normalization: FULL }}"), [SCORES, labels])
    p = (np.exp(SCORES) / np.exp(SCORES).sum(axis=1, keepdims=True))[np.arange(4), labels]
    harness = build(case, backend, np.float64)
    np.testing.assert_allclose(harness.forward()[0], np.mean((1 - p) ** gamma * -np.log(p)))


@pytest.mark.parametrize("backend", [None, CpuBackend()], ids=["plain", "fast"])
def test_certain_predictions_stay_numbers(backend):
    """At p = 1 the derivative of (1 - p)^0.5 has no bound."""
    case = Case("sure", loss("loss_param { focal_gamma: 0.5 }"), [[[200.0, 0], [0, 200]], np.array([0, 0])])
    harness = build(case, backend)
    assert np.isfinite(harness.forward()[0])
    harness.backward([True, False])
    np.testing.assert_allclose(harness.bottom[0].diff, [[0, 0], [-0.5, 0.5]], atol=1e-6)


def test_weights_of_one_are_none():
    plain, weighted = (
        build(Case("ones", loss(options), [(5, 4), CLASSES]), CpuBackend(), np.float64)
        for options in ("", "loss_param { class_weight: 1 class_weight: 1 class_weight: 1 class_weight: 1 }")
    )
    np.testing.assert_allclose(weighted.forward(), plain.forward(), rtol=1e-12)


def test_balanced_weights_are_those_of_scikit_learn():
    """compute_class_weight("balanced", classes=[0, 1, 3], y=[0]*5 + [1]*10 + [3]*3): 18 / (3 · count)."""
    harness = build(Case("b", loss("loss_param { balance_classes: true ignore_label: 9 }"), [(5, 4), CLASSES]))
    harness.layer.set_label_counts({0: 5, 1: 10, 3: 3, 9: 77})
    np.testing.assert_allclose(harness.layer.weights.array, [1.2, 0.6, 0, 2])


def test_balanced_means_every_class_counts_the_same():
    labels = np.array([0, 0, 0, 0, 1])
    harness = build(Case("b", loss("loss_param { balance_classes: true }"), [(5, 2), labels]), dtype=np.float64)
    harness.layer.set_label_counts({0: 4, 1: 1})
    x = harness.bottom[0].data
    losses = np.log(np.exp(x).sum(axis=1)) - x[np.arange(5), labels]
    np.testing.assert_allclose(harness.forward()[0], (losses[:4].mean() + losses[4]) / 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("label_smoothing: 1", "label_smoothing: 1 came; it must be at least 0 and below 1, as 0.1"),
        ("label_smoothing: -0.1", "label_smoothing: -0.1 came; it must be at least 0 and below 1, as 0.1"),
        ("focal_gamma: -2", "focal_gamma: -2 came; it must be at least 0, as 2 (0: no focal loss)"),
        ("class_weight: 1 class_weight: -1", "class_weight: -1 came for class 1; a weight must be a number from 0 on"),
        ("class_weight: 0 class_weight: 0", "class_weight: all are 0, so nothing would be learned; at least one must "
         "be above 0"),
        ("class_weight: 1 class_weight: 2", "class_weight is given 2 times, but 'b0' has 3 classes; give it once for "
         "each class, `class_weight: 1 class_weight: 1 …`"),
        (f"{THREE} balance_classes: true", "class_weight and balance_classes contradict each other; give one"),
        ("balance_classes: true", "balance_classes: the labels are not counted; a Net does it, from a Data, ImageData "
         "or HDF5Data layer"),
        ("focal_alpha: 0.25", "loss_param: it has no focal_alpha; SigmoidCrossEntropyLoss has it; in SoftmaxWithLoss "
         "class_weight does its work"),
    ],
)  # fmt: skip
def test_refuses_options(refusal, options, said):
    assert refusal(loss(f"loss_param {{ {options} }}"), [(2, 3), np.array([0, 1])]) == said


def test_second_top_is_the_probabilities():
    harness = build(Case("two", loss(), [np.log([[1.0, 3.0], [2.0, 2.0]]), np.array([1, 0])], tops=2))
    value, probability = harness.forward()
    np.testing.assert_allclose(probability, [[0.25, 0.75], [0.5, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(value, -(np.log(0.75) + np.log(0.5)) / 2, rtol=1e-6)


def test_all_ignored_is_no_loss():
    harness = build(Case("all", loss("loss_param { ignore_label: 1 }"), [(3, 4), np.ones(3)]))
    assert harness.forward()[0] == 0
    harness.backward([True, False])
    assert (harness.bottom[0].diff == 0).all()


@pytest.mark.parametrize("backend", [None, CpuBackend()], ids=["plain", "fast"])
@pytest.mark.parametrize(
    ("label", "options", "said"),
    [
        (
            [1, 2, 1, 4],
            "",
            "label 4 of item 3 is out of range: 'b0' has 4 classes, so labels go from 0 to 3 "
            "(do your labels start at 1?)",
        ),
        ([0, 2, 4, 1], "", "label 4 of item 2 is out of range: 'b0' has 4 classes, so labels go from 0 to 3"),
        (
            [0, 255, 0, 0],
            "",
            "label 255 of item 1 is out of range: 'b0' has 4 classes, so labels go from 0 to 3 "
            "(to leave 255 out, write `loss_param { ignore_label: 255 }`)",
        ),
        (
            [255, 0, -1, 0],
            "loss_param { ignore_label: 255 }",
            "label -1 of item 2 is out of range: 'b0' has 4 classes, so labels go from 0 to 3 "
            "(to leave -1 out, write `loss_param { ignore_label: -1 }`)",
        ),
        (
            [0, 1, 1.5, 0],
            "",
            "label 1.5 of item 2 is no whole number: labels in 'b1' are class indices, and 'b0' has 4 classes",
        ),
        (
            [np.nan, 1, 1, 0],
            "",
            "label nan of item 0 is no whole number: labels in 'b1' are class indices, and 'b0' has 4 classes",
        ),
        (
            [0, 1, np.inf, 0],
            "",
            "label inf of item 2 is out of range: 'b0' has 4 classes, so labels go from 0 to 3",
        ),
    ],
)
def test_labels_that_are_none(backend, label, options, said):
    harness = build(Case("bad", loss(options), [(4, 4), np.array(label)]), backend)
    with pytest.raises(DataError) as raised:
        harness.forward()
    assert str(raised.value) == f"layer 'bad' (SoftmaxWithLoss), bad:1: {said}"


@pytest.mark.parametrize("options", ["", "focal_gamma: 2", f"label_smoothing: 0.2 focal_gamma: 0.5 {WEIGHTS}"])
@pytest.mark.parametrize("mode", ["VALID", "FULL", "BATCH_SIZE", "NONE"])
def test_shares_of_one_class_are_its_label(options, mode):
    options = loss(f"loss_param {{ {options} normalization: {mode} }}")
    one_hot = (np.arange(5)[:, None, None] == MAP).astype(float)
    found = []
    for labels in (MAP, one_hot):
        harness = build(Case("one", options, [(2, 5, 3, 4), labels]), CpuBackend(), np.float64)
        value = harness.forward()[0].copy()
        harness.backward([True, False])
        found.append((value, harness.bottom[0].diff.copy()))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-12)
    np.testing.assert_allclose(found[1][1], found[0][1], atol=1e-12)


def test_shares_by_the_formula():
    harness = build(Case("mixed", loss(), [(5, 4), SHARES]), dtype=np.float64)
    x = harness.bottom[0].data
    log_p = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(harness.forward()[0], -(SHARES * log_p).sum(axis=1).mean())
    harness.backward([True, False])
    np.testing.assert_allclose(harness.bottom[0].diff, (np.exp(log_p) - SHARES) / 5, atol=1e-12)


@pytest.mark.parametrize("wrong", [[0.5, 0.4], [1.5, -0.5], [np.nan, 1.0]])
def test_shares_that_are_none(wrong):
    harness = build(Case("bad", loss(), [(2, 2), np.array([[1.0, 0.0], wrong])]))
    with pytest.raises(DataError, match=r"they are shares of the 2 classes, .* those of item 1 have the sum"):
        harness.forward()


def test_label_of_a_place():
    labels = MAP.copy()
    labels[1, 0, 2, 1] = 7
    harness = build(Case("bad", loss(), [(2, 5, 3, 4), labels]))
    with pytest.raises(DataError, match="label 7 of item 1, position 9, is out of range: 'b0' has 5 classes"):
        harness.forward()


def test_a_device_says_it_later():
    backend = FakeBackend()
    harness = build(Case("bad", loss(), [(2, 3), np.array([0, 3])]), backend)
    harness.layer.forward(harness.bottom, harness.top)
    with pytest.raises(DataError, match="label 3 of item 1"):
        backend.raise_pending()


@pytest.mark.parametrize(
    ("options", "bottoms", "tops", "said"),
    [
        (
            "",
            [(2, 3), (3,)],
            1,
            "bottom 'b0' has 2 items (shape 2×3), but 'b1' has 3 (shape 3); both must come from one batch",
        ),
        (
            "",
            [(2, 5, 8, 8), (2, 1, 7, 8)],
            1,
            "bottom 'b1' (shape 2×1×7×8) has 112 labels, but 'b0' (shape 2×5×8×8, classes along axis 1) has 128 "
            "predictions; there must be one label for each, a shape like 2×1×8×8",
        ),
        (
            "",
            [(2, 3), (2, 2)],
            1,
            "bottom 'b1' (shape 2×2) has 4 labels, but 'b0' (shape 2×3, classes along axis 1) has 2 predictions; "
            "there must be one label for each, a shape like 2",
        ),
        (
            "loss_weight: 1 loss_weight: 0.5",
            [(2, 3), (2,)],
            2,
            "loss_weight: 0.5 for the second top, the probabilities; they are no loss, so write "
            "`loss_weight: 1 loss_weight: 0`",
        ),
        (
            "softmax_param { axis: 2 }",
            [(2, 3), (2,)],
            1,
            "axis: 2 is out of range for a bottom with 2 axes (shape 2×3); use -2 to 1",
        ),
    ],
)
def test_refuses(refusal, options, bottoms, tops, said):
    assert refusal(loss(options), bottoms, tops) == said
