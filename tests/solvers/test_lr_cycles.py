import math

import numpy as np
import pytest

from cafpy.errors import SolverError
from cafpy.proto import cafpy_pb2 as pb
from cafpy.solvers.lr_policy import LearningRate


def rates(iterations, **fields):
    rate = LearningRate(pb.SolverParameter(**{"lr_policy": "fixed", "base_lr": 1, **fields}))
    return [rate.at(i) for i in range(iterations)]


def cosine(part, low=0.0):
    return low + (1 - low) * (1 + math.cos(math.pi * part)) / 2


def test_cosine():
    ours = rates(13, lr_policy="cosine", max_iter=10, min_lr=0.1)
    assert ours == pytest.approx([cosine(i / 10, 0.1) for i in range(11)] + [0.1, 0.1], rel=1e-6)


def test_cosine_after_a_warm_up_uses_all_iterations_that_are_left():
    ours = rates(10, lr_policy="cosine", max_iter=10, warmup_iter=2)
    assert ours == pytest.approx([0, 0.5] + [cosine(i / 8) for i in range(8)], rel=1e-6)


def test_cosine_with_restarts():
    ours = rates(9, lr_policy="cosine", restart_interval=3)
    assert ours == pytest.approx([cosine(i / 3) for i in range(3)] * 3, rel=1e-6)
    ours = rates(21, lr_policy="cosine", restart_interval=3, restart_mult=2)
    assert ours == pytest.approx([cosine(i / n) for n in (3, 6, 12) for i in range(n)], rel=1e-6)


def test_one_cycle():
    ours = rates(12, lr_policy="one_cycle", max_iter=10, cycle_up=0.5, cycle_start=0.25, cycle_end=0.125)
    up = [0.25 + 0.75 * (1 - math.cos(math.pi * i / 5)) / 2 for i in range(5)]
    down = [cosine(i / 5, 0.125) for i in range(6)]
    assert ours == pytest.approx([*up, *down, 0.125], rel=1e-6)
    assert rates(1, lr_policy="one_cycle", max_iter=10, cycle_up=0) == [1]


@pytest.mark.parametrize("names", [("warmup_iter", "warmup_start_lr"), ("rampup_interval", "rampup_lr")])
def test_warm_up_under_intels_and_nvidias_names(names):
    fields = dict(zip(names, (4, 0.5), strict=True))
    assert rates(6, **fields) == [0.5, 0.625, 0.75, 0.875, 1, 1]
    quadratic = rates(5, **fields, warmup_type="quadratic")
    assert quadratic == [0.5 + 0.5 * (i / 4) ** 2 for i in range(5)]


def test_the_policy_counts_from_the_beginning_as_in_both_forks():
    assert rates(5, lr_policy="step", gamma=0.5, stepsize=2, warmup_iter=3, warmup_start_lr=1) == [1, 1, 1, 0.5, 0.25]


def test_min_lr_is_a_floor_after_the_warm_up():
    ours = rates(6, lr_policy="exp", gamma=0.5, min_lr=0.25, warmup_iter=1)
    assert ours == [0, 0.5, 0.25, 0.25, 0.25, 0.25]


def test_a_restored_plateau_keeps_its_steps():
    rate = LearningRate(pb.SolverParameter(lr_policy="plateau", base_lr=1, gamma=0.5, plateau_patience=2))
    rate.current_step = 2
    assert rate.at(7) == 0.25


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"lr_policy": "cosine"},
            'lr_policy "cosine" needs max_iter above 0, or a restart_interval, but max_iter is missing',
        ),
        ({"lr_policy": "cosine", "restart_interval": -1}, "restart_interval is -1; it must not be negative"),
        (
            {"lr_policy": "cosine", "restart_interval": 5, "restart_mult": 0.5},
            "restart_mult is 0.5; it must be at least 1",
        ),
        ({"lr_policy": "one_cycle"}, 'lr_policy "one_cycle" needs max_iter above 0, but it is missing'),
        (
            {"lr_policy": "one_cycle", "max_iter": 9, "cycle_up": 1},
            "cycle_up is 1; it must be at least 0 and below 1",
        ),
        (
            {"lr_policy": "one_cycle", "max_iter": 9, "cycle_end": 2},
            "cycle_end is 2; it must be at least 0 and at most 1",
        ),
        (
            {"lr_policy": "one_cycle", "max_iter": 9, "rampup_interval": 2},
            'lr_policy "one_cycle" warms up itself, in the first cycle_up of max_iter; remove the warm-up',
        ),
        (
            {"warmup_iter": 2, "rampup_interval": 2},
            "warmup_iter and rampup_interval are two names of one thing; give one of them",
        ),
        ({"warmup_iter": -2}, "warmup_iter is -2; it must not be negative"),
        (
            {"warmup_iter": 2, "warmup_type": "quadratics"},
            'unknown warmup_type "quadratics" (did you mean \'quadratic\'?); write "linear" or "quadratic"',
        ),
        ({"min_lr": 2}, "min_lr is 2, above base_lr, which is 1; swap them?"),
        (
            {"lr_policy": "plateau", "gamma": 0.1},
            'lr_policy "plateau" needs plateau_patience above 0, but it is missing',
        ),
    ],
)
def test_errors(fields, text):
    with pytest.raises(SolverError) as error:
        rates(1, **fields)
    assert str(error.value) == text


def test_rates_are_float32_as_all_of_caffes():
    assert all(rate == np.float32(rate) for rate in rates(50, lr_policy="cosine", max_iter=50, base_lr=0.3))
