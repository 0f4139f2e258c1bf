"""`cafpy train`: the straight line from a solver file to trained weights."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cafpy.cli.devices import choose_backend, device_options, wanted_device
from cafpy.cli.net_options import fuse_option, layers_option, memory_option
from cafpy.cli.zoo_weights import fetch_zoo_weights
from cafpy.errors import SolverError

if TYPE_CHECKING:
    from cafpy.solvers.observer import Observer
    from cafpy.solvers.solver import Solver


@click.command(short_help="Train a net, go on from a snapshot, or fine-tune published weights.")
@click.option("--solver", "solver_file", required=True, metavar="FILE", help="The solver's prototxt.")
@click.option(
    "--weights",
    multiple=True,
    metavar="FILE",
    help="Start from these weights, or zoo:NAME (fine-tuning); may be repeated, or be several with commas between.",
)
@click.option("--strict", is_flag=True, help="Refuse weights that do not fit the net in all layers.")
@click.option("--snapshot", metavar="FILE", help="Go on from this .solverstate (or .solverstate.h5).")
@click.option("--resume", is_flag=True, help="Go on from the newest good snapshot of snapshot_prefix, if there is any.")
@click.option(
    "--freeze",
    multiple=True,
    metavar="PATTERN",
    help="Layers that do not learn, by name or pattern ('conv*'); may be repeated.",
)
@click.option("--level", default=0, show_default=True, help="The level of the net state.")
@click.option("--stage", multiple=True, metavar="NAME", help="A stage of the net state; may be repeated.")
@layers_option
@memory_option
@fuse_option
@device_options
def command(
    solver_file: str,
    weights: tuple[str, ...],
    strict: bool,
    snapshot: str | None,
    resume: bool,
    freeze: tuple[str, ...],
    level: int,
    stage: tuple[str, ...],
    share_memory: bool,
    fuse: bool,
    **device: Any,
) -> None:
    """Train the net that a solver file names.

    Ctrl-C writes a snapshot and stops; SIGHUP writes a snapshot and goes on. On a terminal a progress bar is shown;
    otherwise the log is Caffe's, line by line.
    """
    from cafpy.passes.upgrade_solver import load_solver
    from cafpy.solvers.places import told_with_places
    from cafpy.solvers.snapshots import resume_point
    from cafpy.solvers.solver import Solver

    if resume and (weights or snapshot):
        other = "--weights" if weights else "--snapshot"
        raise SolverError(f"--resume and {other} contradict each other: --resume finds its snapshot itself; give one")
    if weights and snapshot:
        raise SolverError("--weights and --snapshot contradict each other: a snapshot brings its own weights; give one")
    param = load_solver(solver_file)
    param.freeze.extend(freeze)
    if level or stage:
        param.train_state.level = level
        param.train_state.stage.extend(stage)
    fetch_zoo_weights([*weights, *param.weights])
    backend = choose_backend(**device, wanted=wanted_device(param))
    with (
        watched() as observer,
        told_with_places(param),
        closing(
            Solver(
                param,
                folder=Path(solver_file).parent,
                backend=backend,
                observers=[observer],
                strict_weights=strict,
                share_memory=share_memory,
                fuse=fuse,
            )
        ) as solver,
    ):
        for files in weights:
            for file in [files] if Path(files).is_file() else files.split(","):
                solver.load_weights(file.strip(), strict)
        with requests_by_signal(solver):
            solver.solve(resume_from=resume_point(solver) if resume else snapshot)


@contextmanager
def watched() -> Iterator[Observer]:
    """Who tells the user what happens: a progress bar on a terminal, Caffe's log lines otherwise."""
    import sys

    if not sys.stderr.isatty():
        from cafpy.cli.train_log import TrainLog

        yield TrainLog()
        return
    from rich.console import Console

    from cafpy.cli.train_progress import TrainProgress

    progress = TrainProgress(Console(stderr=True))
    try:
        yield progress
    finally:
        progress.bar.stop()


@contextmanager
def requests_by_signal(solver: Solver) -> Iterator[None]:
    """Ctrl-C asks the solver for a snapshot and to stop (a second one kills), SIGHUP for a snapshot."""

    def interrupt(*_: Any) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        click.echo("Stopping after this iteration, with a snapshot. Press Ctrl-C again to stop at once.", err=True)
        solver.request_snapshot()
        solver.request_stop()

    handlers = {signal.SIGINT: interrupt}
    if hasattr(signal, "SIGHUP"):  # not on Windows
        handlers[signal.SIGHUP] = lambda *_: solver.request_snapshot()
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
