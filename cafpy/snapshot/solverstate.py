"""Solver states in Caffe's binary format."""

from __future__ import annotations

from pathlib import Path

from cafpy.errors import CafpyError, WeightsError
from cafpy.files import atomic_write
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.binary import array_to_blob, blob_to_array, read_binary
from cafpy.snapshot.solver_state import SolverState


def read(path: Path) -> SolverState:
    """Raises WeightsError when the file is damaged or no solver state."""
    message = read_binary(path, pb.SolverState(), "solver state (.solverstate)")
    if not message.HasField("iter") or not message.HasField("learned_net"):
        raise WeightsError(f"{path} is not a solver state; is it a weight file (.caffemodel)? Give that as --weights")
    try:
        history = [blob_to_array(blob) for blob in message.history]
    except CafpyError as error:
        raise WeightsError(f"{path}: {error}") from error
    return SolverState(message.iter, message.learned_net, history, message.current_step, list(message.layer_position))


def write(state: SolverState, path: Path) -> None:
    """Raises WeightsError when the history is above protobuf's 2 GB."""
    message = pb.SolverState(iter=state.iteration, learned_net=state.learned_net, current_step=state.current_step)
    message.layer_position.extend(state.layer_positions)
    try:
        for array in state.history:
            message.history.append(array_to_blob(array))
        content = message.SerializeToString()
    except ValueError as error:
        raise WeightsError(f"{path}: a .solverstate ends at 2 GB; use snapshot_format: HDF5") from error
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
