"""How long each layer of a net takes, forward and backward."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cafpy.net import Net


class LayerTime(NamedTuple):
    """Average seconds of one layer, or of several that run as one, forward and backward."""

    name: str
    type: str
    forward: float
    backward: float


def measure(net: Net, iterations: int, backward_too: bool = True) -> tuple[list[LayerTime], float]:
    """Average times of each step over ``iterations`` passes, and the seconds that all passes took.

    A step is a layer, or several that run as one: their names and types then stand in one line.
    """
    steps = net.plan.steps
    forward, backward = [0.0] * len(steps), [0.0] * len(steps)
    begin = time.perf_counter()
    for _ in range(iterations):
        for i, step in enumerate(steps):
            forward[i] += _timed(net, net.forward, step.first, step.last)
        for i in reversed(range(len(steps) if backward_too else 0)):
            backward[i] += _timed(net, net.backward, steps[i].last, steps[i].first)
    total = time.perf_counter() - begin
    times = [
        LayerTime(step.name, step.type, forward[i] / iterations, backward[i] / iterations)
        for i, step in enumerate(steps)
    ]
    return times, total


def _timed(net: Net, run: Any, first: int, last: int) -> float:
    net.backend.synchronize()
    begin = time.perf_counter()
    run(first, last)
    net.backend.synchronize()
    return time.perf_counter() - begin
