import json

import numpy as np
import pytest

from cafpy.errors import SolverError
from cafpy.proto import cafpy_pb2 as pb
from cafpy.solvers.lr_policy import LearningRate


def rates(iterations=60, **fields):
    rate = LearningRate(pb.SolverParameter(**fields))
    return [rate.at(i) for i in range(iterations)]


def test_every_schedule_equals_caffe_to_the_last_bit(golden):
    for case in json.loads((golden / "solvers/lr_schedules.json").read_text()):
        fields = {"max_iter": case["max_iter"], **case["params"]}
        ours = rates(lr_policy=case["lr_policy"], base_lr=case["base_lr"], **fields)
        theirs = np.array(case["lr"], np.float32)
        assert np.array_equal(np.array(ours, np.float32), theirs), case["lr_policy"]


def test_step_by_hand():
    assert rates(5, lr_policy="step", base_lr=1, gamma=0.5, stepsize=2) == [1, 1, 0.5, 0.5, 0.25]


def test_two_equal_stepvalues_take_two_iterations():
    assert rates(4, lr_policy="multistep", base_lr=1, gamma=0.5, stepvalue=[1, 1]) == [1, 0.5, 0.25, 0.25]


def test_a_restored_step_is_kept_by_multistep():
    rate = LearningRate(pb.SolverParameter(lr_policy="multistep", base_lr=1, gamma=0.5, stepvalue=[3, 9]))
    rate.current_step = 1
    assert rate.at(5) == 0.5


def test_poly_stays_at_zero_past_max_iter():
    assert rates(5, lr_policy="poly", base_lr=1, power=0.5, max_iter=3)[3:] == [0, 0]


def test_a_rate_that_grows_without_bound_is_infinite_not_an_exception():
    assert LearningRate(pb.SolverParameter(lr_policy="exp", base_lr=1, gamma=3)).at(10_000) == float("inf")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"lr_policy": "stepp", "base_lr": 1},
            "unknown lr_policy 'stepp' (did you mean 'step'?); "
            "there are fixed, step, multistep, exp, inv, poly, sigmoid, cosine, one_cycle, plateau",
        ),
        (
            {"base_lr": 1},
            'the solver has no lr_policy; write `lr_policy: "fixed"` or one of '
            "fixed, step, multistep, exp, inv, poly, sigmoid, cosine, one_cycle, plateau",
        ),
        (
            {"lr_policy": "fixed"},
            "the solver has no base_lr, so it would learn nothing; write for example `base_lr: 0.01`",
        ),
        (
            {"lr_policy": "step", "base_lr": 1, "gamma": 0.1},
            'lr_policy "step" needs stepsize above 0, but it is missing',
        ),
        (
            {"lr_policy": "step", "base_lr": 1, "gamma": 0.1, "stepsize": -3},
            'lr_policy "step" needs stepsize above 0, but it is -3',
        ),
        (
            {"lr_policy": "step", "base_lr": 1, "stepsize": 5},
            'lr_policy "step" needs gamma, but it is missing; without it the rate would drop to 0',
        ),
        ({"lr_policy": "poly", "base_lr": 1}, 'lr_policy "poly" needs max_iter above 0, but it is missing'),
    ],
)
def test_errors(fields, text):
    with pytest.raises(SolverError) as error:
        LearningRate(pb.SolverParameter(**fields))
    assert str(error.value) == text
