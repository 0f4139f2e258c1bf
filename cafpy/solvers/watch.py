"""What a solver does with its test results: lower the rate on a plateau, stop early, keep the best weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cafpy.net import Net
from cafpy.solvers.monitor import Monitor
from cafpy.solvers.observer import Scores

if TYPE_CHECKING:
    from cafpy.solvers.solver import Solver


class Watch:
    """The monitors that a solver's fields ask for, and what follows from them. Raises SolverError as Monitor does."""

    def __init__(self, param: Any, nets: list[Net]):
        self.param = param
        self.plateau = param.lr_policy == "plateau"
        self.monitors: dict[str, Monitor] = {}
        if self.plateau:
            self.monitors["monitor"] = Monitor(param, "monitor", nets)

    def see(self, solver: Solver, index: int, scores: Scores) -> None:
        """Act on the results of test net ``index``."""
        for monitor in self.monitors.values():
            if monitor.net == index:
                monitor.see(scores)
                if monitor.field == "monitor":
                    self._act(solver, monitor)

    def _act(self, solver: Solver, monitor: Monitor) -> None:
        if self.plateau and monitor.since_step >= self.param.plateau_patience:
            monitor.since_step = 0
            solver.rate.current_step += 1
            rate = solver.rate.at(solver.iteration)
            solver.tell(
                "on_note",
                f"Iteration {solver.iteration}: {monitor.output} has not got better in {self.param.plateau_patience} "
                f"tests (best {monitor.best:g}); the learning rate is now {rate:g}",
            )

    def state(self) -> list[Any]:
        """A MonitorState for each monitor."""
        return [monitor.state() for monitor in self.monitors.values()]

    def load_state(self, states: Iterable[Any]) -> None:
        """Restore the monitors that ``states`` know; the others begin anew."""
        for state in states:
            monitor = self.monitors.get(state.field)
            if monitor is not None and monitor.output == state.output:
                monitor.load_state(state)
