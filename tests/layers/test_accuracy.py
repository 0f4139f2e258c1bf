"""Accuracy."""

import numpy as np
import pytest

from cafpy.backend import CpuBackend
from cafpy.errors import DataError
from cafpy.testing.case import Case, build

LABELS = np.array([0, 3, 2, 1, 2, 0])
MAP = np.arange(24).reshape(2, 1, 3, 4) % 5


def accuracy(options=""):
    return f'type: "Accuracy" accuracy_param {{ {options} }}'


CASES = [
    Case("best", accuracy(), [(6, 4), LABELS]),
    Case("best_two_and_each_class", accuracy("top_k: 2"), [(6, 4), LABELS], tops=2),
    Case("places", accuracy("ignore_label: 2"), [(2, 5, 3, 4), MAP], tops=2),
    Case("axis", accuracy("axis: -1"), [(2, 3, 4), np.array([[0, 1, 2], [3, 3, 0]])]),
]


def test_of_mixed_labels_the_largest_share_counts():
    scores = np.array([[1.0, 2, 0], [3, 1, 2], [0, 1, 2]])
    shares = np.array([[0.3, 0.6, 0.1], [0.2, 0.2, 0.6], [0.4, 0.2, 0.4]])
    assert build(Case("mixed", accuracy(), [scores, shares])).forward()[0] == np.float32(1 / 3)
    assert build(Case("mixed", accuracy("top_k: 2"), [scores, shares])).forward()[0] == np.float32(2 / 3)


@pytest.mark.parametrize("backend", [None, CpuBackend()], ids=["plain", "fast"])
def test_a_net_gone_to_nan_is_never_right(backend):
    scores = np.array([[np.nan, np.nan], [1, np.nan], [2, 1]])
    harness = build(Case("nan", accuracy(), [scores, np.zeros(3)]), backend)
    assert harness.forward()[0] == np.float32(1 / 3)


def test_label_that_is_none():
    harness = build(Case("bad", accuracy(), [(4, 4), np.array([0, 1, -1, 0])]))
    with pytest.raises(DataError) as raised:
        harness.forward()
    assert str(raised.value) == (
        "layer 'bad' (Accuracy), bad:1: label -1 of item 2 is out of range: 'b0' has 4 classes, so labels go from 0 "
        "to 3 (to leave -1 out, write `accuracy_param { ignore_label: -1 }`)"
    )


@pytest.mark.parametrize(
    ("options", "bottoms", "said"),
    [
        ("top_k: 5", [(2, 4), (2,)], "top_k: 5 must be from 1 to 4, the number of classes (axis 1 of 'b0')"),
        ("top_k: 0", [(2, 4), (2,)], "top_k: 0 must be from 1 to 4, the number of classes (axis 1 of 'b0')"),
        (
            "",
            [(2, 4), (3,)],
            "bottom 'b1' (shape 3) has 3 labels, but 'b0' (shape 2×4, classes along axis 1) has 2 predictions; "
            "there must be one label for each, a shape like 2",
        ),
    ],
)
def test_refuses(refusal, options, bottoms, said):
    assert refusal(accuracy(options), bottoms) == said
