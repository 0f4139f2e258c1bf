"""SoftmaxWithLoss: its cases, and every way in which labels can be wrong."""

import numpy as np
import pytest

from cafpy.backend import CpuBackend
from cafpy.errors import DataError
from cafpy.testing.case import Case, build
from cafpy.testing.fake_device import FakeBackend

CLASSES = np.array([0, 3, 2, 1, 2])
MAP = np.arange(24).reshape(2, 1, 3, 4) % 5


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
]


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
            [(2, 3), (2, 3)],
            1,
            "bottom 'b1' (shape 2×3) has 6 labels, but 'b0' (shape 2×3, classes along axis 1) has 2 predictions; "
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
