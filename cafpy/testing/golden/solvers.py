"""Recorded training runs: every parameter, rate and loss of some iterations; and learning rate schedules."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from cafpy.backend import Backend
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.solvers.lr_policy import LearningRate
from cafpy.solvers.observer import Display, Observer
from cafpy.solvers.solver import Solver
from cafpy.testing.golden.outcome import Comparison, Outcome, run_case

Recording = dict[str, np.ndarray]


class Shown(Observer):
    """Learning rate and loss of every iteration."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.losses: list[float] = []

    def on_display(self, solver: Solver, display: Display) -> None:
        self.rates.append(display.rate)
        self.losses.append(float(display.loss))


def run_trajectory(path: Path, backend: Backend) -> Iterator[Outcome]:
    """Train as recorded, from the recorded start; where there is a snapshot, go on from it as well."""
    path = path.resolve()
    with np.load(path) as file:
        recording = {key: file[key] for key in file.files}

    def run(compare: Comparison) -> None:
        with _solver(recording, path, backend) as solver:
            for layer, index, _ in _names(recording):
                backend.upload(solver.net.params[layer][index].data, recording[f"init__{layer}__{index}"])
            _follow(solver, recording, "", compare)
            if "continued_iters" in recording:
                _follow(solver, recording, "continued_", compare)

    def restore(compare: Comparison) -> None:
        with _solver(recording, path, backend) as solver:
            solver.restore(str(recording["snapshot_state"]))
            compare.equal("iteration after restore", solver.iteration, int(recording["restored_iter"]))
            _follow(solver, recording, "restored_", compare)

    yield run_case("solvers", path.stem, run)
    if "restored_iters" in recording:
        yield run_case("solvers restored", path.stem, restore)


@contextlib.contextmanager
def _solver(recording: Recording, path: Path, backend: Backend) -> Iterator[Solver]:
    """The recording's solver; data paths count from the recordings' folder, its own snapshots go elsewhere."""
    param = parse(str(recording["solver"]), pb.SolverParameter())
    param.ClearField("net")
    param.net_param.CopyFrom(parse(str(recording["net"]), pb.NetParameter()))
    param.display = 1
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(path.parents[1]):
        param.snapshot_prefix = f"{folder}/run"
        with closing(Solver(param, backend=backend, observers=[Shown()])) as solver:
            yield solver


def _names(recording: Recording) -> list[Any]:
    return json.loads(str(recording["param_names"]))


def _follow(solver: Solver, recording: Recording, prefix: str, compare: Comparison) -> None:
    shown = Shown()
    solver.observers = [shown]
    for at, iteration in enumerate(recording[f"{prefix}iters"].tolist()):
        solver.step(iteration - solver.iteration)
        for layer, index, _ in _names(recording):
            ours = solver.backend.to_host(solver.net.params[layer][index].data)
            what = f"{prefix}parameter '{layer}' {index} after iteration {iteration}"
            compare.array(what, ours, recording[f"{prefix}traj__{layer}__{index}"][at])
    compare.array(f"{prefix}losses", shown.losses, recording[f"{prefix}loss"].mean(axis=1))
    compare.equal(f"{prefix}rates", np.array(shown.rates, np.float32).tolist(), recording[f"{prefix}lr"].tolist())


def run_schedules(path: Path, backend: Backend) -> Iterator[Outcome]:
    """The learning rate of each iteration, bit for bit."""
    for entry in json.loads(path.read_text("utf-8")):

        def run(compare: Comparison, entry: dict[str, Any] = entry) -> None:
            fields = {"max_iter": entry["max_iter"], **entry["params"]}
            rate = LearningRate(pb.SolverParameter(lr_policy=entry["lr_policy"], base_lr=entry["base_lr"], **fields))
            ours = [rate.at(i) for i in range(len(entry["lr"]))]
            compare.equal("rates", np.array(ours, np.float32).tolist(), np.array(entry["lr"], np.float32).tolist())

        yield run_case("schedules", f"{entry['lr_policy']} {entry['params']}", run)
