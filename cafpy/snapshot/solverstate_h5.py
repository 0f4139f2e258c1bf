"""Solver states in Caffe's HDF5 format: datasets "iter", "learned_net", "current_step" and a group "history" with
datasets "0", "1" …, which are checksummed; ours adds a group "average" if there is
one, and "layer_position", the bytes of a SolverState message that holds
only what Caffe's states do not."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from cafpy.errors import WeightsError
from cafpy.files import atomic_write
from cafpy.proto import cafpy_pb2 as pb
from cafpy.snapshot.solver_state import SolverState


def read(path: Path) -> SolverState:
    """Raises WeightsError when the file is damaged or no solver state."""
    try:
        with h5py.File(path, "r") as file:
            if "history" not in file or "iter" not in file:
                what = "it is a weight file" if "data" in file else f"it holds {', '.join(file) or 'nothing'}"
                raise WeightsError(f"{path} is no solver state: it has no 'iter' and 'history' ({what})")
            history = file["history"]
            state = SolverState(
                _number(file["iter"]),
                _text(file["learned_net"]),
                [history[str(i)][...] for i in range(len(history))],
                _number(file["current_step"]) if "current_step" in file else 0,
            )
            if "average" in file:
                average = file["average"]
                state.average = [average[str(i)][...] for i in range(len(average))]
            if "layer_position" in file:
                message = pb.SolverState.FromString(file["layer_position"][...].tobytes())
                state.layer_positions = list(message.layer_position)
                state.monitors = list(message.monitor)
                state.solver_type = message.solver_type
                if message.HasField("learned_net_crc"):
                    state.learned_net_crc = message.learned_net_crc
    except (OSError, KeyError) as error:
        raise WeightsError(f"{path} cannot be read as a solver state; it is damaged or breaks off ({error})") from error
    return state


def write(state: SolverState, path: Path) -> None:
    """Write all of it."""
    ours = pb.SolverState(layer_position=state.layer_positions, monitor=state.monitors)
    if state.solver_type:
        ours.solver_type = state.solver_type
    if state.learned_net_crc is not None:
        ours.learned_net_crc = state.learned_net_crc
    with atomic_write(path) as temporary, h5py.File(temporary, "w") as file:
        file["iter"] = np.array([state.iteration], np.int32)
        # a fixed-length string with its closing zero, as Caffe's reader wants it
        file["learned_net"] = np.array(state.learned_net.encode(), dtype=f"S{len(state.learned_net.encode()) + 1}")
        file["current_step"] = np.array([state.current_step], np.int32)
        _write_arrays(file.create_group("history"), state.history)
        if state.average:
            _write_arrays(file.create_group("average"), state.average)
        if ours.ListFields():
            file["layer_position"] = np.frombuffer(ours.SerializeToString(), np.uint8)


def _write_arrays(group: h5py.Group, arrays: list[np.ndarray]) -> None:
    for i, array in enumerate(arrays):
        group.create_dataset(str(i), data=array, fletcher32=array.size > 0 and array.ndim > 0)


def _number(dataset: h5py.Dataset) -> int:
    return int(np.ravel(dataset[...])[0])


def _text(dataset: h5py.Dataset) -> str:
    value = dataset[()]
    return value.decode() if isinstance(value, bytes) else str(value)
