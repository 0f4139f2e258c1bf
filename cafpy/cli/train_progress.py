"""What `cafpy train` shows on a terminal: a bar with loss, learning rate, images a second and the time left."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cafpy.snapshot.load_report import LoadReport
from cafpy.solvers.observer import Display, Observer, Output, Scores
from cafpy.solvers.solver import Solver


class TrainProgress(Observer):
    """A progress bar that stays at the bottom; tests and snapshots scroll by above it."""

    def __init__(self, console: Console):
        self.console = console
        self.images = 0  # in an iteration
        self.bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}  lr {task.fields[lr]}  {task.fields[speed]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self.bar.add_task("train", total=None, loss="–", lr="–", speed="")
        self._mark = (0, 0.0)

    def on_note(self, solver: Solver, text: str) -> None:
        self.console.print(text, highlight=False)

    def on_start(self, solver: Solver) -> None:
        total = solver.param.max_iter
        self.console.print(
            f"Training {solver.net.name or 'the net'} to iteration {total:,} on {solver.net.backend.name}."
        )
        self.images = images_per_iteration(solver)
        self.bar.update(self._task, total=total, completed=solver.iteration)
        self._mark = (solver.iteration, time.monotonic())
        self.bar.start()

    def on_test(self, solver: Solver, index: int, result: Scores) -> None:
        which = f" of net {index}" if index else ""
        self.console.print(f"Iteration {solver.iteration:>7,}  test{which}: {_said(result.outputs)}", highlight=False)

    def on_display(self, solver: Solver, display: Display) -> None:
        self.bar.update(self._task, loss=f"{display.loss:.4g}", lr=f"{display.rate:.3g}")

    def on_debug_info(self, solver: Solver, line: str) -> None:
        self.console.print(line, highlight=False)

    def on_iteration(self, solver: Solver) -> None:
        self.bar.update(self._task, completed=solver.iteration)
        iteration, then = self._mark
        now = time.monotonic()
        if now - then >= 1:
            rate = (solver.iteration - iteration) / (now - then)
            self.bar.update(self._task, speed=f"{rate * self.images:,.0f} img/s")
            self._mark = (solver.iteration, now)

    def on_snapshot(self, solver: Solver, model: Path, state: Path) -> None:
        self.console.print(f"Iteration {solver.iteration:>7,}  snapshot: {model}, {state}", highlight=False)

    def on_weights(self, solver: Solver, report: LoadReport) -> None:
        self.console.print(str(report), highlight=False)
        for line in report.table():
            self.console.print(f"    {line}", highlight=False)

    def on_restore(self, solver: Solver, state: Path) -> None:
        self.console.print(f"Going on from {state}, iteration {solver.iteration:,}.", highlight=False)

    def on_stop(self, solver: Solver) -> None:
        self.bar.stop()
        self.console.print(f"Stopped at iteration {solver.iteration:,}.")

    def on_end(self, solver: Solver, loss: float | None) -> None:
        self.bar.stop()
        self.console.print("Done.")


def images_per_iteration(solver: Solver) -> int:
    """The first axis of the first blob of the train net, times iter_size."""
    shape = next(iter(solver.net.blobs.values())).shape
    return (shape[0] if shape else 1) * solver.param.iter_size


def _said(outputs: list[Output]) -> str:
    return ", ".join(f"{output.name} {', '.join(f'{value:.5g}' for value in output.values)}" for output in outputs)
