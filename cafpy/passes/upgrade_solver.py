"""Bring a solver to today's format, and settle where its snapshots go."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from cafpy.errors import SolverError
from cafpy.proto import cafpy_pb2 as pb

TYPES = {
    pb.SolverParameter.SGD: "SGD",
    pb.SolverParameter.NESTEROV: "Nesterov",
    pb.SolverParameter.ADAGRAD: "AdaGrad",
    pb.SolverParameter.RMSPROP: "RMSProp",
    pb.SolverParameter.ADADELTA: "AdaDelta",
    pb.SolverParameter.ADAM: "Adam",
}


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


def set_snapshot_prefix(param: pb.SolverParameter, file: str | PathLike[str]) -> pb.SolverParameter:
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
