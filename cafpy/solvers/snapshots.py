"""Snapshots of a solver: where they go, what is in them, how a solver goes on from one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cafpy.errors import SolverError, WeightsError
from cafpy.proto import cafpy_pb2 as pb
from cafpy.snapshot.load import load_weights
from cafpy.snapshot.newest import check_learned_net, file_crc, newest_snapshot, remove_unfinished
from cafpy.snapshot.solver_state import SolverState
from cafpy.snapshot.states import find_learned_net, read_state, write_state
from cafpy.snapshot.weights import write_weights
from cafpy.solvers.history import check_history
from cafpy.solvers.kept_snapshots import remove_old_snapshots
from cafpy.solvers.progress import Progress, progress, restore_progress

if TYPE_CHECKING:
    from cafpy.solvers.solver import Solver


def snapshot_prefix(param: Any) -> str:
    """What the names of all snapshots begin with; the net file's own name where the solver gives none."""
    if param.snapshot_prefix:
        return param.snapshot_prefix
    return Path(param.net or param.train_net).stem or "net"


def check_writable(prefix: str) -> None:
    """Raise SolverError unless files beginning with ``prefix`` can be written: now, not after a night of training."""
    folder = Path(f"{prefix}x").parent
    if not folder.is_dir():
        raise SolverError(
            f"snapshot_prefix '{prefix}': the folder '{folder}' does not exist; make it with `mkdir -p {folder}`",
            "snapshot_prefix",
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SolverError(
            f"snapshot_prefix '{prefix}': nothing can be written to the folder '{folder}'", "snapshot_prefix"
        )


def write_snapshot(solver: Solver) -> tuple[Path, Path]:
    """Write the weights and then the state that names them; returns both paths."""
    param = solver.param
    hdf5 = ".h5" if param.snapshot_format == pb.SolverParameter.HDF5 else ""
    stem = f"{snapshot_prefix(param)}_iter_{solver.iteration}"
    model, state = Path(f"{stem}.caffemodel{hdf5}"), Path(f"{stem}.solverstate{hdf5}")
    write_weights(solver.net, model, param.snapshot_diff)
    history = [part for slot in solver.history for part in _by_parameter(solver, slot)]
    average: list[np.ndarray] = []
    if solver.average.values is not None:
        average = list(_by_parameter(solver, solver.average.values))
        with solver.average.in_use():
            write_weights(solver.net, f"{stem}.ema.caffemodel{hdf5}")
    at = solver.before_test or progress(solver)
    write_state(
        SolverState(
            solver.iteration,
            model.as_posix(),
            history,
            at.current_step,
            at.positions,
            file_crc(model),
            at.monitors,
            average,
            param.type,
        ),
        state,
    )
    if param.snapshot_keep:
        remove_old_snapshots(snapshot_prefix(param), param.snapshot_keep, solver.iteration)
    return model, state


def resume_point(solver: Solver) -> Path | None:
    """The newest good snapshot of the solver's snapshot_prefix; what is passed over, or that there is none, is told."""
    prefix = snapshot_prefix(solver.param)
    remove_unfinished(prefix)
    found = newest_snapshot(prefix)
    for reason in found.skipped:
        solver.tell("on_note", f"Passed over for --resume: {reason}")
    if found.state is None:
        solver.tell(
            "on_note", f"--resume: no snapshot {prefix}_iter_*.solverstate to go on from; starting from the beginning"
        )
    return found.state


def restore_snapshot(solver: Solver, path: str | Path) -> None:
    """Weights, history, iteration and layers' positions from the solver state file ``path``.

    Nothing is changed unless all fits. Raises WeightsError.
    """
    state = read_state(path)
    notes = check_history(state, path, solver.net, solver.param.type)
    model = find_learned_net(state, path)
    check_learned_net(state, model)
    report = load_weights(solver.net, model)
    owners = {parameter.layer for parameter in solver.net.learnable}
    missing = [name for name in report.missing if name in owners]
    if missing:
        raise WeightsError(
            f"{model}, the weights that belong to '{path}', has none for {', '.join(missing)}; it is of another net"
        )
    count = len(solver.net.learnable)
    for i, slot in enumerate(solver.history):
        arrays = state.history[i * count : (i + 1) * count]
        if arrays:
            solver.backend.upload(slot, _flat(arrays, slot.dtype))
    solver.average.values = None
    if state.average:
        solver.average.begin()
        if solver.average.values is not None:
            solver.backend.upload(solver.average.values, _flat(state.average, solver.flat.dtype))
    solver.iteration = state.iteration
    solver.before_test = None
    for note in notes:
        solver.tell("on_note", note)
    restore_progress(solver, Progress(state.layer_positions, state.monitors, state.current_step))


def _flat(arrays: Sequence[np.ndarray], dtype: Any) -> np.ndarray:
    return np.concatenate([array.ravel() for array in arrays]).astype(dtype)


def _by_parameter(solver: Solver, slot: Any) -> Iterator[np.ndarray]:
    host = solver.backend.to_host(slot)
    for parameter, part in zip(solver.net.learnable, solver.flat.parts, strict=True):
        yield host[part].reshape(parameter.blob.shape)
