"""Learning rate policies: the rate of every iteration, bit for bit as Caffe computes it.

A policy is one entry of :data:`POLICIES`. With i the iteration and k the number of steps taken so far:

    fixed      base_lr
    step       base_lr · gamma^k,  k = floor(i / stepsize)
    multistep  base_lr · gamma^k,  k = how many of the stepvalues have been passed
    exp        base_lr · gamma^i
    inv        base_lr · (1 + gamma · i)^(-power)
    poly       base_lr · (1 - i / max_iter)^power
    sigmoid    base_lr / (1 + exp(-gamma · (i - stepsize)))
    plateau    base_lr · gamma^k,  k = how often the monitored test output has stopped getting better
    cosine, one_cycle: see lr_cycles.py

A warm-up (lr_warmup.py) comes before any of them; after it no rate is below min_lr.

Source: the formulas are documented at `lr_policy` in Caffe's proto file. Caffe works in float32 here and there;
the rounding is kept, so that a schedule printed by Caffe is printed again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cafpy.errors import SolverError, did_you_mean
from cafpy.solvers.lr_cycles import check_cosine, check_one_cycle, cosine, one_cycle
from cafpy.solvers.lr_warmup import check_warmup, warmup_iterations, warmup_rate

f32 = np.float32


@dataclass(frozen=True)
class Policy:
    """How one policy gets its rate.

    Attributes:
        rate: (SolverParameter, iteration, steps taken) -> learning rate.
        needs: fields without which the rate would be zero.
        positive: fields that must be above zero.
        steps: (SolverParameter, iteration, steps taken before) -> steps taken now.
        check: raises SolverError when further fields do not fit.
    """

    rate: Callable[[Any, int, int], float]
    needs: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()
    steps: Callable[[Any, int, int], int] = lambda param, iteration, before: before
    check: Callable[[Any], None] = lambda param: None


def _pow(base: float, exponent: float) -> float:
    """C's pow: inf and nan where Python raises."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan


def _fixed(param: Any, iteration: int, step: int) -> float:
    return param.base_lr


def _by_steps(param: Any, iteration: int, step: int) -> float:
    return param.base_lr * _pow(param.gamma, step)


def _passed_stepvalue(param: Any, iteration: int, before: int) -> int:
    """One step more once the next stepvalue is reached; at most one an iteration, as in Caffe."""
    return before + (before < len(param.stepvalue) and iteration >= param.stepvalue[before])


def _exp(param: Any, iteration: int, step: int) -> float:
    return param.base_lr * _pow(param.gamma, iteration)


def _inv(param: Any, iteration: int, step: int) -> float:
    grown = float(f32(1) + f32(param.gamma) * f32(iteration))
    return float(f32(param.base_lr) * f32(_pow(grown, -param.power)))


def _poly(param: Any, iteration: int, step: int) -> float:
    # past max_iter Caffe's rate is negative or NaN; ours stays at 0
    left = max(0.0, float(f32(1) - f32(iteration) / f32(param.max_iter)))
    return float(f32(param.base_lr) * f32(_pow(left, param.power)))


def _sigmoid(param: Any, iteration: int, step: int) -> float:
    exponent = -f32(param.gamma) * (f32(iteration) - f32(param.stepsize))
    with np.errstate(over="ignore"):
        return float(f32(param.base_lr) * (f32(1) / (f32(1) + f32(np.exp(np.float64(exponent))))))


POLICIES: dict[str, Policy] = {
    "fixed": Policy(_fixed),
    "step": Policy(
        _by_steps,
        needs=("gamma",),
        positive=("stepsize",),
        steps=lambda param, iteration, before: iteration // param.stepsize,
    ),
    "multistep": Policy(_by_steps, needs=("gamma",), steps=_passed_stepvalue),
    "exp": Policy(_exp, needs=("gamma",)),
    "inv": Policy(_inv),
    "poly": Policy(_poly, positive=("max_iter",)),
    "sigmoid": Policy(_sigmoid),
    "cosine": Policy(cosine, check=check_cosine),
    "one_cycle": Policy(one_cycle, positive=("max_iter",), check=check_one_cycle),
    "plateau": Policy(_by_steps, needs=("gamma",), positive=("plateau_patience",)),
}


class LearningRate:
    """The learning rate of a solver, iteration by iteration.

    Attributes:
        param: the SolverParameter.
        current_step: steps taken so far (policies step, multistep, plateau); part of a solver state.

    Raises SolverError for a policy that does not exist or lacks a field.
    """

    def __init__(self, param: Any):
        self.param = param
        self.current_step = 0
        self.policy = _policy(param)

    def at(self, iteration: int) -> float:
        """The rate of this iteration. Iterations must be asked for in rising order."""
        self.current_step = self.policy.steps(self.param, iteration, self.current_step)
        if iteration < warmup_iterations(self.param):
            return float(f32(warmup_rate(self.param, iteration)))
        rate = float(f32(self.policy.rate(self.param, iteration, self.current_step)))
        return max(rate, self.param.min_lr) if self.param.HasField("min_lr") else rate


def _policy(param: Any) -> Policy:
    known = ", ".join(POLICIES)
    if not param.lr_policy:
        raise SolverError(f'the solver has no lr_policy; write `lr_policy: "fixed"` or one of {known}', "lr_policy")
    policy = POLICIES.get(param.lr_policy)
    if policy is None:
        raise SolverError(
            f"unknown lr_policy '{param.lr_policy}'{did_you_mean(param.lr_policy, POLICIES)}; there are {known}",
            "lr_policy",
        )
    if not param.HasField("base_lr"):
        raise SolverError(
            "the solver has no base_lr, so it would learn nothing; write for example `base_lr: 0.01`", "base_lr"
        )
    for name in policy.positive:
        value = getattr(param, name)
        if value <= 0:
            came = f"is {value}" if param.HasField(name) else "is missing"
            raise SolverError(
                f'lr_policy "{param.lr_policy}" needs {name} above 0, but it {came}',
                name if param.HasField(name) else "lr_policy",
            )
    for name in policy.needs:
        if not param.HasField(name):
            raise SolverError(
                f'lr_policy "{param.lr_policy}" needs {name}, but it is missing; without it the rate would drop to 0',
                "lr_policy",
            )
    check_warmup(param)
    policy.check(param)
    return policy
