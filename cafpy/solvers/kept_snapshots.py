"""Which snapshots stay: the newest few, and the weights of the best test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cafpy.proto import cafpy_pb2 as pb
from cafpy.snapshot.newest import state_files
from cafpy.snapshot.weights import write_weights

if TYPE_CHECKING:
    from cafpy.solvers.solver import Solver

# The state last: if the run is killed in between, the next removal finds it and what is left with it.
SUFFIXES = (".ema.caffemodel", ".caffemodel", ".solverstate")


def remove_old_snapshots(prefix: str, keep: int, iteration: int) -> None:
    """Remove all snapshots of the prefix but the newest ``keep`` up to ``iteration``. Later ones stay."""
    iterations = sorted({n for n, _ in state_files(prefix) if n <= iteration}, reverse=True)
    for n in iterations[keep:]:
        for suffix in SUFFIXES:
            for form in ("", ".h5"):
                Path(f"{prefix}_iter_{n}{suffix}{form}").unlink(missing_ok=True)


def write_best_weights(solver: Solver, prefix: str) -> Path:
    """Write the weights as the tests use them, averaged if they are, to ``<prefix>_best.caffemodel``."""
    hdf5 = ".h5" if solver.param.snapshot_format == pb.SolverParameter.HDF5 else ""
    path = Path(f"{prefix}_best.caffemodel{hdf5}")
    with solver.average.in_use():
        write_weights(solver.net, path)
    return path
