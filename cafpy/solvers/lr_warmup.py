"""Warm-up: the first iterations of a training, in which the learning rate rises to base_lr.

    linear     start + (base_lr - start) · i / n
    quadratic  start + (base_lr - start) · (i / n)²

with n = warmup_iter and start = warmup_start_lr; NVCaffe calls them rampup_interval and rampup_lr. The policy's own
rate follows from iteration n on, counted from the beginning as in NVCaffe and Intel Caffe.

Source: Goyal et al., Accurate, large minibatch SGD: training ImageNet in 1 hour, 2017.
"""

from __future__ import annotations

from typing import Any

from cafpy.errors import SolverError, did_you_mean

TYPES = {"linear": 1, "quadratic": 2}


def warmup_iterations(param: Any) -> int:
    """How many iterations the warm-up has, under either name."""
    return param.warmup_iter or param.rampup_interval


def warmup_rate(param: Any, iteration: int) -> float:
    """The rate of an iteration of the warm-up."""
    start = param.warmup_start_lr if param.warmup_iter else param.rampup_lr
    return start + (param.base_lr - start) * (iteration / warmup_iterations(param)) ** TYPES[param.warmup_type]


def check_warmup(param: Any) -> None:
    """Raise SolverError when the fields of the warm-up do not fit."""
    if param.HasField("warmup_iter") and param.HasField("rampup_interval"):
        raise SolverError(
            "warmup_iter and rampup_interval are two names of one thing; give one of them", "rampup_interval"
        )
    for name in ("warmup_iter", "rampup_interval", "warmup_start_lr", "rampup_lr", "min_lr"):
        if getattr(param, name) < 0:
            raise SolverError(f"{name} is {getattr(param, name):g}; it must not be negative", name)
    if param.warmup_type not in TYPES:
        raise SolverError(
            f'unknown warmup_type "{param.warmup_type}"{did_you_mean(param.warmup_type, TYPES)}; '
            'write "linear" or "quadratic"',
            "warmup_type",
        )
    if param.HasField("min_lr") and param.min_lr > param.base_lr:
        raise SolverError(
            f"min_lr is {param.min_lr:g}, above base_lr, which is {param.base_lr:g}; swap them?", "min_lr"
        )
