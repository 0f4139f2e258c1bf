"""Test outputs that a solver watches: to lower its rate, to stop early, to keep the best weights."""

from __future__ import annotations

import math
from typing import Any

from cafpy.errors import SolverError, did_you_mean
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.solvers.observer import Scores

BETTER = ("lower", "higher")


class Monitor:
    """The results so far of one output of a test net.

    Attributes:
        field: the solver's field that names the output.
        output: its name; net: the index of the first test net that has it.
        best: the best result, None before the first.
        since_best: tests since then; since_step: tests since then or since ``since_step`` was set to 0.

    Raises SolverError when no test net has such an output.
    """

    def __init__(self, param: Any, field: str, nets: list[Net]):
        self.field = field
        self.output = getattr(param, field) or _only_loss(field, nets)
        self.net = _net_with(self.output, field, nets)
        loss = bool(nets[self.net].loss_weight(self.output))
        if param.HasField("monitor_better") and param.monitor_better not in BETTER:
            raise SolverError(
                f'monitor_better is "{param.monitor_better}"; write "lower" or "higher"', "monitor_better"
            )
        self.lower = param.monitor_better == "lower" if param.monitor_better else loss
        self.best: float | None = None
        self.since_best = self.since_step = 0

    def see(self, scores: Scores) -> bool:
        """Take in the results of a test; whether they are the best so far. NaN is never better."""
        (output,) = (output for output in scores.outputs if output.name == self.output)
        if output.values.size != 1:
            raise SolverError(
                f"{self.field}: the output '{self.output}' has {output.values.size} values, but only one number can "
                "be better or worse; watch another output"
            )
        value = float(output.values[0])
        known = self.best is not None
        if not math.isnan(value) and (self.best is None or (value < self.best if self.lower else value > self.best)):
            self.best = value
            self.since_best = self.since_step = 0
            return True
        self.since_best += known
        self.since_step += known
        return False

    def state(self) -> pb.MonitorState:
        """What a later run must know to go on watching."""
        return pb.MonitorState(
            field=self.field,
            output=self.output,
            best=self.best,
            tests_since_best=self.since_best,
            tests_since_step=self.since_step,
        )

    def load_state(self, state: pb.MonitorState) -> None:
        """Go on where ``state`` was made."""
        self.best = state.best if state.HasField("best") else None
        self.since_best, self.since_step = state.tests_since_best, state.tests_since_step


def _only_loss(field: str, nets: list[Net]) -> str:
    losses = [name for name in nets[0].outputs if nets[0].loss_weight(name)] if nets else []
    if len(losses) == 1:
        return losses[0]
    if not nets:
        raise SolverError(
            f"the solver watches test results ({field}), but it has no test net; give a test_interval", field
        )
    raise SolverError(
        f"{field} is missing, and the test net has {len(losses)} losses; name the output to watch, one of "
        f"{', '.join(nets[0].outputs)}",
        field,
    )


def _net_with(output: str, field: str, nets: list[Net]) -> int:
    for i, net in enumerate(nets):
        if output in net.outputs:
            return i
    if not nets:
        raise SolverError(
            f'{field}: "{output}" is a test output, but the solver has no test net; give a test_interval', field
        )
    known = list(dict.fromkeys(name for net in nets for name in net.outputs))
    raise SolverError(
        f'{field}: no test net has an output "{output}"{did_you_mean(output, known)}; there are {", ".join(known)}',
        field,
    )
