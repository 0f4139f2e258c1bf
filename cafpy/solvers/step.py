"""One iteration of training: forward, backward, update, and what is displayed of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from cafpy.solvers.debug_info import backward_lines, forward_lines
from cafpy.solvers.gradient import GradientPreparation
from cafpy.solvers.loss_check import require_finite
from cafpy.solvers.loss_window import LossWindow
from cafpy.solvers.observer import Display, Output

if TYPE_CHECKING:
    from cafpy.solvers.solver import Solver

LOOK_EVERY = 100  # iterations between two looks at errors that a GPU has noted but nobody has read


class Step:
    """Does the iterations of a solver. Raises SolverError as GradientPreparation does.

    Attributes:
        gradient: what happens to each gradient before the update rule; losses: those of the last iterations.
    """

    def __init__(self, solver: Solver):
        self.solver = solver
        self.gradient = GradientPreparation(solver.param, solver.net.learnable)
        self.losses = LossWindow(solver.net, solver.param.average_loss)
        self._clock, self._clock_iteration = time.perf_counter(), 0

    def begin(self) -> None:
        """Before the first of several iterations: forget the losses, start the clock."""
        self.losses.clear()
        self._clock, self._clock_iteration = time.perf_counter(), self.solver.iteration

    def run(self) -> None:
        """One iteration."""
        solver = self.solver
        param, backend = solver.param, solver.backend
        display = due(param.display, solver.iteration)
        step_before, rate = solver.rate.current_step, solver.rate.at(solver.iteration)
        solver.net.clear_param_diffs()
        loss: Any = 0.0
        for _ in range(param.iter_size):
            self._forward_backward(debug=display and param.debug_info)
            loss = loss + self.losses.pass_loss()
        loss = loss / param.iter_size
        if self.losses.terms and not solver.allow_nan:
            require_finite(solver.net, loss, solver.iteration, rate)
        self.losses.add(loss)
        if display:
            self._display(rate)
        if solver.rate.current_step != step_before:
            solver.tell("on_lr_step", solver.rate.current_step)
        if display or solver.iteration % LOOK_EVERY == 0:
            backend.raise_pending()
        self.gradient.prepare(backend.xp, solver.flat, rate)
        solver.average.begin()
        solver.rule.update(backend, solver.flat, solver.history, solver.iteration)
        solver.iteration += 1
        solver.average.add(solver.iteration)
        solver.tell("on_iteration")

    def last_loss(self) -> float:
        """The mean loss of the last iterations and of one more forward pass, which shows what the last update did."""
        solver = self.solver
        solver.net.forward()
        loss = self.losses.pass_loss()
        if self.losses.terms and not solver.allow_nan:
            require_finite(solver.net, loss, solver.iteration, solver.rate.at(solver.iteration))
        self.losses.add(loss)
        return self.losses.mean()

    def _forward_backward(self, debug: bool) -> None:
        net = self.solver.net
        if not debug:
            net.forward()
            net.backward()
            return
        for lines in (forward_lines(net), backward_lines(net)):
            for line in lines:
                self.solver.tell("on_debug_info", line)

    def _display(self, rate: float) -> None:
        solver, net = self.solver, self.solver.net
        outputs = [
            Output(name, solver.backend.to_host(net.blobs[name].data).ravel().copy(), net.loss_weight(name))
            for name in net.outputs
        ]
        now = time.perf_counter()
        iterations, seconds = solver.iteration - self._clock_iteration, now - self._clock
        self._clock, self._clock_iteration = now, solver.iteration
        solver.tell("on_display", Display(solver.iteration, self.losses.mean(), rate, outputs, iterations, seconds))


def due(every: int, iteration: int) -> bool:
    """Whether what is done every so many iterations is due now; 0 is never."""
    return every > 0 and iteration % every == 0
