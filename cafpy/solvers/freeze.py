"""Frozen layers: their parameters stay as they are, and no gradient is computed for them."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from cafpy.errors import SolverError, did_you_mean
from cafpy.net import Net
from cafpy.wiring import plan_backward


def freeze(net: Net, patterns: Sequence[str]) -> list[str]:
    """Freeze the layers with parameters whose names match one of the patterns (``*``, ``?``, ``[abc]``); their names.

    It is as if lr_mult and decay_mult were 0 there; a BatchNorm uses the means and variances that it has, and they
    stay. A parameter that layers share is frozen for all when one of them is. Raises SolverError for a pattern that no
    layer matches, and when nothing is left to learn.
    """
    frozen: list[str] = []
    for pattern in patterns:
        names = [name for name in net.params if fnmatchcase(name, pattern)]
        if not names:
            raise SolverError(
                f'freeze: "{pattern}" matches no layer that has parameters{did_you_mean(pattern, net.params)}; '
                f"there are {', '.join(net.params)}",
                "freeze",
            )
        frozen += [name for name in names if name not in frozen]
    if not frozen:
        return frozen
    shared = _freeze_layers(net, frozen)
    for parameter in net.learnable:
        if parameter.layer in frozen or parameter.name in shared:
            parameter.lr_mult = parameter.decay_mult = 0.0
    if not any(parameter.lr_mult for parameter in net.learnable):
        raise SolverError(f"freeze: {', '.join(patterns)} leaves no layer of the train net that learns", "freeze")
    plan_backward(net.nodes, net.param.force_backward)
    return frozen


def _freeze_layers(net: Net, frozen: list[str]) -> set[str]:
    """Write it into the layers' own options; returns the names of frozen parameters that layers share."""
    shared = {spec.name for node in net.nodes if node.param.name in frozen for spec in node.param.param if spec.name}
    for node in net.nodes:
        if node.param.name in frozen and hasattr(node.layer, "use_global_stats"):
            node.layer.use_global_stats = node.param.batch_norm_param.use_global_stats = True
        for i in range(len(node.layer.blobs)):
            spec = node.param.param[i] if i < len(node.param.param) else node.param.param.add()
            if node.param.name in frozen or (spec.name and spec.name in shared):
                spec.lr_mult = spec.decay_mult = 0
    return shared
