"""Learning rates that fall along a cosine.

    cosine     min_lr + (base_lr - min_lr) (1 + cos πp) / 2,  p = the done part of the iterations after the warm-up;
               with restart_interval T and restart_mult m: p runs from 0 to 1 in T iterations, then in T m, T m² …
    one_cycle  from cycle_start · base_lr up to base_lr in the first cycle_up · max_iter iterations, then down to
               cycle_end · base_lr, both along half a cosine

Sources: Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017. Smith and Topin,
Super-convergence: very fast training of neural networks using large learning rates, 2019 (whose lines are straight).
"""

from __future__ import annotations

import math
from typing import Any

from cafpy.errors import SolverError
from cafpy.solvers.lr_warmup import warmup_iterations


def cosine(param: Any, iteration: int, step: int) -> float:
    """The rate of policy "cosine"; past max_iter it stays at min_lr."""
    start = warmup_iterations(param)
    done = max(0, iteration - start)
    if param.restart_interval:
        part = _part_of_interval(done, param.restart_interval, param.restart_mult)
    else:
        part = min(1.0, done / max(1, param.max_iter - start))
    return _between(param.base_lr, param.min_lr, part)


def one_cycle(param: Any, iteration: int, step: int) -> float:
    """The rate of policy "one_cycle"; past max_iter it stays at its end."""
    top = param.cycle_up * param.max_iter
    if iteration < top:
        return _between(param.cycle_start * param.base_lr, param.base_lr, iteration / top)
    part = min(1.0, (iteration - top) / (param.max_iter - top))
    return _between(param.base_lr, param.cycle_end * param.base_lr, part)


def check_cosine(param: Any) -> None:
    """Raise SolverError when the fields of policy "cosine" do not fit."""
    if param.restart_interval < 0:
        raise SolverError(f"restart_interval is {param.restart_interval}; it must not be negative", "restart_interval")
    if not param.restart_interval and param.max_iter <= 0:
        came = f"is {param.max_iter}" if param.HasField("max_iter") else "is missing"
        raise SolverError(
            f'lr_policy "cosine" needs max_iter above 0, or a restart_interval, but max_iter {came}', "lr_policy"
        )
    if not param.restart_mult >= 1:
        raise SolverError(f"restart_mult is {param.restart_mult:g}; it must be at least 1", "restart_mult")


def check_one_cycle(param: Any) -> None:
    """Raise SolverError when the fields of policy "one_cycle" do not fit."""
    if warmup_iterations(param):
        raise SolverError(
            'lr_policy "one_cycle" warms up itself, in the first cycle_up of max_iter; remove the warm-up', "lr_policy"
        )
    for name, below in (("cycle_up", 1), ("cycle_start", None), ("cycle_end", None)):
        value = getattr(param, name)
        if not 0 <= value <= 1 or value == below:
            raise SolverError(
                f"{name} is {value:g}; it must be at least 0 and {'below' if below else 'at most'} 1", name
            )


def _between(first: float, last: float, part: float) -> float:
    return last + (first - last) * (1 + math.cos(math.pi * part)) / 2


def _part_of_interval(done: int, length: float, factor: float) -> float:
    if factor == 1:
        return done % length / length
    while done >= length:
        done, length = done - round(length), length * factor
    return max(0, done) / length
