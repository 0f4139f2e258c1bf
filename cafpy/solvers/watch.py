"""What a solver does with its test results: lower the rate on a plateau, stop early, keep the best weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cafpy.net import Net
from cafpy.solvers.kept_snapshots import write_best_weights
from cafpy.solvers.monitor import Monitor
from cafpy.solvers.observer import Scores
from cafpy.solvers.snapshots import snapshot_prefix

if TYPE_CHECKING:
    from cafpy.solvers.solver import Solver


class Watch:
    """The monitors that a solver's fields ask for, and what follows from them. Raises SolverError as Monitor does."""

    def __init__(self, param: Any, nets: list[Net]):
        self.param = param
        self.plateau = param.lr_policy == "plateau"
        self.monitors: dict[str, Monitor] = {}
        self.patience = param.early_stop_patience
        if self.plateau or self.patience:
            self.monitors["monitor"] = Monitor(param, "monitor", nets)
        if param.snapshot_best:
            self.monitors["snapshot_best"] = Monitor(param, "snapshot_best", nets)

    def see(self, solver: Solver, index: int, scores: Scores) -> None:
        """Act on the results of test net ``index``."""
        for monitor in self.monitors.values():
            if monitor.net == index:
                better = monitor.see(scores)
                if monitor.field == "monitor":
                    self._lower_rate(solver, monitor)
                    self._stop_early(solver, monitor)
                elif better:
                    self._keep(solver, monitor)

    def _lower_rate(self, solver: Solver, monitor: Monitor) -> None:
        if self.plateau and monitor.since_step >= self.param.plateau_patience:
            monitor.since_step = 0
            solver.rate.current_step += 1
            rate = solver.rate.at(solver.iteration)
            solver.tell(
                "on_note",
                f"Iteration {solver.iteration}: {monitor.output} has not got better in {self.param.plateau_patience} "
                f"tests (best {monitor.best:g}); the learning rate is now {rate:g}",
            )

    def _stop_early(self, solver: Solver, monitor: Monitor) -> None:
        if self.patience and monitor.since_best >= self.patience:
            solver.request_stop()
            solver.tell(
                "on_note",
                f"Iteration {solver.iteration}: {monitor.output} has not got better in {monitor.since_best} tests "
                f"(best {monitor.best:g}); stopping early",
            )

    def _keep(self, solver: Solver, monitor: Monitor) -> None:
        path = write_best_weights(solver, snapshot_prefix(self.param))
        solver.tell(
            "on_note",
            f"Iteration {solver.iteration}: {monitor.output} = {monitor.best:g} is the best so far; "
            f"weights kept as {path}",
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
