"""Bring a solver to today's format, and settle where its snapshots go."""

from __future__ import annotations

import logging
from pathlib import Path

from cafpy.errors import SolverError
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import read_solver

logger = logging.getLogger(__name__)

TYPES = {
    pb.SolverParameter.SGD: "SGD",
    pb.SolverParameter.NESTEROV: "Nesterov",
    pb.SolverParameter.ADAGRAD: "AdaGrad",
    pb.SolverParameter.RMSPROP: "RMSProp",
    pb.SolverParameter.ADADELTA: "AdaDelta",
    pb.SolverParameter.ADAM: "Adam",
}


def load_solver(file: str | Path) -> pb.SolverParameter:
    """The solver in a file, in today's format, with the snapshot_prefix that it has there. What was upgraded is
    logged. Raises PrototxtError and SolverError."""
    param, notes = upgrade_solver(read_solver(file), str(file))
    for note in notes:
        logger.warning("%s", note)
    return set_snapshot_prefix(param, file)


def upgrade_solver(param: pb.SolverParameter, file: str = "") -> tuple[pb.SolverParameter, list[str]]:
    """The solver with `solver_type: ADAM` as `type: "Adam"`, and a note if so; ``file`` is named in texts.

    Returns ``param`` itself when there is nothing to upgrade. Raises SolverError when both fields are given.
    """
    if not param.HasField("solver_type"):
        return param, []
    where = f"{file}: " if file else ""
    old, new = pb.SolverParameter.SolverType.Name(param.solver_type), TYPES[param.solver_type]
    if param.HasField("type"):
        raise SolverError(
            f'{where}the solver has both type: "{param.type}" and the old solver_type: {old}; remove solver_type'
        )
    upgraded = pb.SolverParameter()
    upgraded.CopyFrom(param)
    upgraded.ClearField("solver_type")
    upgraded.type = new
    return upgraded, [f'{where}solver_type: {old} became type: "{new}"']


def set_snapshot_prefix(param: pb.SolverParameter, file: str | Path) -> pb.SolverParameter:
    """The solver with the snapshot_prefix that Caffe would use for it, when it was read from ``file``.

    Not given: the solver file's own path without its last suffix. An existing folder: the solver file's name in that
    folder. Anything else stays as it is, also "".
    """
    path = Path(file)
    if not param.HasField("snapshot_prefix"):
        prefix = path.with_suffix("")
    elif param.snapshot_prefix and Path(param.snapshot_prefix).is_dir():
        prefix = Path(param.snapshot_prefix) / path.stem
    else:
        return param
    named = pb.SolverParameter()
    named.CopyFrom(param)
    named.snapshot_prefix = prefix.as_posix()
    return named
