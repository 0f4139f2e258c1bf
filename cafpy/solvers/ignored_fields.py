"""Fields of a solver that are written but change nothing: accepted, as old solver files have them, and told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cafpy.solvers.lr_warmup import warmup_iterations

POLICIES = {  # the policies that use a field
    "gamma": ("step", "multistep", "exp", "inv", "sigmoid", "plateau"),
    "power": ("inv", "poly"),
    "stepsize": ("step", "sigmoid"),
    "stepvalue": ("multistep",),
    "restart_interval": ("cosine",),
    "restart_mult": ("cosine",),
    "cycle_up": ("one_cycle",),
    "cycle_start": ("one_cycle",),
    "cycle_end": ("one_cycle",),
    "plateau_patience": ("plateau",),
}
TYPES = {  # the update rules that use a field; those with a momentum that they cannot use refuse it
    "momentum2": ("Adam", "AdamW", "LAMB", "Lion"),
    "rms_decay": ("RMSProp",),
    "delta": ("AdaGrad", "RMSProp", "AdaDelta", "Adam", "AdamW", "LAMB"),
}


def ignored_fields(param: Any) -> Iterator[tuple[str, str]]:
    """Each field that is given in vain, and why."""
    given = {field.name for field, _ in param.ListFields()}
    for name in sorted(given & POLICIES.keys()):
        if param.lr_policy not in POLICIES[name]:
            yield name, f'lr_policy "{param.lr_policy}" does not use it'
    for name in sorted(given & TYPES.keys()):
        if param.type not in TYPES[name]:
            yield name, f'type "{param.type}" does not use it'
    for name, needed in (("warmup_start_lr", "warmup_iter"), ("rampup_lr", "rampup_interval")):
        if name in given and not getattr(param, needed):
            yield name, f"there is no {needed}"
    if "warmup_type" in given and not warmup_iterations(param):
        yield "warmup_type", "there is no warmup_iter"
    watches = param.lr_policy == "plateau" or param.early_stop_patience
    if "monitor" in given and not watches:
        yield "monitor", 'neither lr_policy "plateau" nor early_stop_patience is there to look at it'
    if "monitor_better" in given and not watches and not param.snapshot_best:
        yield "monitor_better", "no test output is watched"
    if "layer_wise_reduce" in given:
        yield "layer_wise_reduce", "it tells several GPUs when to exchange gradients, and one device trains"
