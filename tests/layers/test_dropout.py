"""Dropout: which entries, how many, and that they are the same in backward and after a restart."""

import numpy as np
import pytest

from cafpy.testing.case import Case, build

CASES = [
    Case("train", 'type: "Dropout"', [(20, 50)], stochastic=True),
    Case(
        "train_in_place",
        'type: "Dropout" dropout_param { dropout_ratio: 0.2 }',
        [(20, 50)],
        in_place=True,
        stochastic=True,
    ),
    Case("test", 'type: "Dropout"', [(4, 5)], phase="TEST"),
    Case("test_in_place", 'type: "Dropout"', [(4, 5)], phase="TEST", in_place=True),
    Case("nothing", 'type: "Dropout" dropout_param { dropout_ratio: 0 }', [(4, 5)], stochastic=False),
]


@pytest.mark.parametrize("ratio", [0, 0.1, 0.5, 0.9])
def test_part_that_is_dropped(ratio):
    size = 100_000
    harness = build(Case("part", f'type: "Dropout" dropout_param {{ dropout_ratio: {ratio} }}', [np.ones(size)]))
    (top,) = harness.forward()
    np.testing.assert_allclose(np.unique(top), np.unique([0, 1 / (1 - ratio)])[-2 + (ratio == 0) :], rtol=1e-6)
    assert abs((top == 0).mean() - ratio) < 5 * np.sqrt(ratio * (1 - ratio) / size) + 1e-12


def test_backward_drops_what_forward_dropped():
    harness = build(Case("same", 'type: "Dropout"', [np.ones((30, 40))]))
    harness.forward()
    (top,) = harness.forward()
    harness.set_top_diff(0, np.ones((30, 40)))
    harness.backward([True])
    np.testing.assert_array_equal(harness.bottom[0].diff, top)


def test_each_seed_drops_others():
    masks = [build(Case("seed", 'type: "Dropout"', [np.ones(1000)], seed=seed)).forward()[0] > 0 for seed in (1, 2)]
    assert 400 < (masks[0] != masks[1]).sum() < 600


def test_a_dropped_nan_is_zero():
    harness = build(Case("nan", 'type: "Dropout"', [np.full(100, np.nan)]))
    (top,) = harness.forward()
    assert 20 < (top == 0).sum() < 80


@pytest.mark.parametrize("ratio", ["1", "-0.1", "1.5"])
def test_refuses_a_ratio_that_is_no_part(refusal, ratio):
    said = refusal(f'type: "Dropout" dropout_param {{ dropout_ratio: {ratio} }}', [(2, 3)])
    assert said == f"dropout_ratio: {ratio} must be at least 0 and less than 1; it is the part that is dropped"
