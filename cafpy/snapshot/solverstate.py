"""Solver states in Caffe's binary format.

The first field is ours: a checksum of all that follows, so that a file that breaks off between two fields, which
protobuf would read, is known for what it is.
"""

from __future__ import annotations

import zlib
from pathlib import Path

from google.protobuf.message import DecodeError

from cafpy.errors import CafpyError, WeightsError
from cafpy.files import atomic_write
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.binary import array_to_blob, blob_to_array, read_binary
from cafpy.snapshot.caffemodel import LIMIT
from cafpy.snapshot.solver_state import SolverState


def read(path: Path) -> SolverState:
    """Raises WeightsError when the file is damaged or no solver state."""
    try:
        message = read_binary(path, pb.SolverState(), "solver state (.solverstate)")
    except WeightsError:
        _refuse_weights(path)
        raise
    if not message.HasField("iter") or not message.HasField("learned_net"):
        _refuse_weights(path)
        raise WeightsError(f"{path} is not a solver state: it has no iteration and weight file")
    _check_crc(path, message)
    try:
        history = [blob_to_array(blob) for blob in message.history]
        average = [blob_to_array(blob) for blob in message.average]
    except CafpyError as error:
        raise WeightsError(f"{path}: {error}") from error
    crc = message.learned_net_crc if message.HasField("learned_net_crc") else None
    return SolverState(
        message.iter,
        message.learned_net,
        history,
        message.current_step,
        list(message.layer_position),
        crc,
        list(message.monitor),
        average,
        message.solver_type,
    )


def write(state: SolverState, path: Path) -> None:
    """Raises WeightsError when the history is bigger than a protobuf message can be."""
    if sum(array.nbytes for array in [*state.history, *state.average]) >= LIMIT:
        raise WeightsError(f"{path}: a .solverstate ends at 2 GB, and the history is bigger; use snapshot_format: HDF5")
    message = pb.SolverState(iter=state.iteration, learned_net=state.learned_net, current_step=state.current_step)
    if state.solver_type:
        message.solver_type = state.solver_type
    message.history.extend(map(array_to_blob, state.history))
    message.layer_position.extend(state.layer_positions)
    message.monitor.extend(state.monitors)
    message.average.extend(map(array_to_blob, state.average))
    if state.learned_net_crc is not None:
        message.learned_net_crc = state.learned_net_crc
    content = message.SerializeToString()
    with atomic_write(path) as temporary:
        temporary.write_bytes(pb.SolverState(crc=zlib.crc32(content)).SerializeToString() + content)


def _check_crc(path: Path, message: pb.SolverState) -> None:
    if not message.HasField("crc"):  # Caffe's
        return
    start = len(pb.SolverState(crc=message.crc).SerializeToString())
    if zlib.crc32(path.read_bytes()[start:]) != message.crc:
        raise WeightsError(f"{path} is damaged or breaks off: its content does not fit its checksum")


def _refuse_weights(path: Path) -> None:
    try:
        net = pb.NetParameter.FromString(path.read_bytes())
    except (DecodeError, OSError):
        return
    if net.layer or net.layers:
        raise WeightsError(f"{path} is a weight file, not a solver state; give it as --weights")
