"""What `cafpy train` prints without a terminal: the lines of `caffe train`, for the scripts that read them."""

from __future__ import annotations

from pathlib import Path

from cafpy.cli.caffe_log import log, number, output_line
from cafpy.snapshot.load_report import LoadReport
from cafpy.solvers.observer import Display, Observer, Output, Scores
from cafpy.solvers.solver import Solver


class TrainLog(Observer):
    """Logs a solver's events in Caffe's words."""

    def on_note(self, solver: Solver, text: str) -> None:
        log(text, "caffe")

    def on_start(self, solver: Solver) -> None:
        log(f"Use {solver.backend.name}.", "caffe")
        log(f"Solving {solver.net.name}", "solver")
        log(f"Learning Rate Policy: {solver.param.lr_policy}", "solver")

    def on_test_start(self, solver: Solver, index: int) -> None:
        log(f"Iteration {solver.iteration}, Testing net (#{index})", "solver")

    def on_test(self, solver: Solver, index: int, result: Scores) -> None:
        if result.loss is not None:
            log(f"Test loss: {number(result.loss)}", "solver")
        _log_outputs("Test", result.outputs)

    def on_display(self, solver: Solver, display: Display) -> None:
        speed = display.iterations / display.seconds if display.seconds > 0 else 0.0
        pace = f"({number(speed)} iter/s, {number(display.seconds)}s/{display.iterations} iters)"
        log(f"Iteration {display.iteration} {pace}, loss = {number(display.loss)}", "solver")
        _log_outputs("Train", display.outputs)
        log(f"Iteration {display.iteration}, lr = {number(display.rate)}", "sgd_solver")

    def on_debug_info(self, solver: Solver, line: str) -> None:
        log(line, "net")

    def on_lr_step(self, solver: Solver, step: int) -> None:
        log(f"MultiStep Status: Iteration {solver.iteration}, step = {step}", "sgd_solver")

    def on_snapshot(self, solver: Solver, model: Path, state: Path) -> None:
        kind = "HDF5" if model.suffix == ".h5" else "binary proto"
        log(f"Snapshotting to {kind} file {model}", "solver")
        log(f"Snapshotting solver state to {kind} file {state}", "sgd_solver")

    def on_weights(self, solver: Solver, report: LoadReport) -> None:
        log(f"Finetuning from {report}", "caffe")
        for line in report.table():
            log(f"    {line}", "caffe")

    def on_restore(self, solver: Solver, state: Path) -> None:
        log(f"Resuming from {state} at iteration {solver.iteration}", "solver")

    def on_stop(self, solver: Solver) -> None:
        log("Optimization stopped early.", "solver")

    def on_end(self, solver: Solver, loss: float | None) -> None:
        if loss is not None:
            log(f"Iteration {solver.iteration}, loss = {number(loss)}", "solver")
        log("Optimization Done.", "solver")


def _log_outputs(phase: str, outputs: list[Output]) -> None:
    index = 0
    for output in outputs:
        for value in output.values:
            log(
                f"    {phase} net output #{index}: {output_line(output.name, float(value), output.loss_weight)}",
                "solver",
            )
            index += 1
