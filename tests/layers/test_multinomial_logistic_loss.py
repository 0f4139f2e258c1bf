"""MultinomialLogisticLoss."""

import numpy as np
import pytest

from cafpy.backend import CpuBackend
from cafpy.errors import DataError
from cafpy.testing.case import Case, build

LABELS = np.array([0, 3, 2, 1, 2])
PROBABILITIES = np.random.default_rng(0).dirichlet(np.ones(4), 5)
LOSS = 'type: "MultinomialLogisticLoss"'

CASES = [
    Case("rows", LOSS, [PROBABILITIES, LABELS]),
    Case("more_axes", LOSS + " loss_weight: 0.3", [PROBABILITIES.reshape(5, 2, 2), LABELS.reshape(5, 1, 1, 1)]),
]


@pytest.mark.parametrize("backend", [None, CpuBackend()], ids=["plain", "fast"])
def test_probability_of_zero_is_bounded(backend):
    harness = build(Case("zero", LOSS, [np.array([[0.0, 1]]), np.array([0])]), backend)
    np.testing.assert_allclose(harness.forward()[0], -np.log(1e-20), rtol=1e-6)


def test_label_that_is_none():
    harness = build(Case("bad", LOSS, [PROBABILITIES, np.array([0, 1, 2, 3, 4])]))
    with pytest.raises(DataError) as raised:
        harness.forward()
    assert str(raised.value) == (
        "layer 'bad' (MultinomialLogisticLoss), bad:1: label 4 of item 4 is out of range: 'b0' has 4 classes, so "
        "labels go from 0 to 3"
    )


def test_refuses_scores_without_classes(refusal):
    assert refusal(LOSS, [(4,), (4,)]) == "bottom 'b0' (shape 4) has no axis of classes, axis 1"
