"""Solver state files of both formats, and the weight file that belongs to one.

    .solverstate       Caffe's binary format
    .solverstate.h5    Caffe's HDF5 format

Caffe reads what is written here; it skips what is ours, the layers' positions.
"""

from __future__ import annotations

from pathlib import Path

from cafpy.errors import WeightsError
from cafpy.missing_file import does_not_exist
from cafpy.snapshot import solverstate, solverstate_h5
from cafpy.snapshot.solver_state import SolverState


def read_state(path: str | Path) -> SolverState:
    """The state in a file of either format. Raises WeightsError when it is missing, damaged, or something else."""
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"the solver state '{path}' {does_not_exist(path)}")
    with path.open("rb") as file:
        is_hdf5 = file.read(8) == b"\x89HDF\r\n\x1a\n"
    return solverstate_h5.read(path) if is_hdf5 else solverstate.read(path)


def write_state(state: SolverState, path: str | Path) -> None:
    """Write ``state`` to ``path``, whole or not at all, as HDF5 if its name ends in .h5, else binary."""
    path = Path(path)
    (solverstate_h5 if path.suffix == ".h5" else solverstate).write(state, path)


def find_learned_net(state: SolverState, path: str | Path) -> Path:
    """The weight file that belongs to the state in file ``path``: where the state says, or else beside ``path``.

    Raises WeightsError when it is in neither place.
    """
    said = Path(state.learned_net)
    beside = Path(path).parent / said.name
    for place in (said, beside):
        if place.is_file():
            return place
    raise WeightsError(
        f"the weights '{said}' that belong to the solver state '{path}' are not there: "
        f"neither in {Path.cwd()} nor as {beside}; put the file beside the state"
    )
