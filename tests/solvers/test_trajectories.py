"""Whole training runs of the real Caffe, parameter by parameter, for every update rule and what can stand around it.

A recording holds the solver and net texts, the parameters before and after each iteration, the learning rates and
the losses. Runs with a snapshot went on in two ways: in the same process, and in a new one from the snapshot (where
the data start again, since Caffe does not remember their position).
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.solvers.observer import Observer
from cafpy.solvers.solver import Solver
from cafpy.testing.fake_device import FakeBackend

HERE = Path(__file__).parents[1] / "golden" / "solvers"
KIT = Path(os.environ.get("CAFPY_GOLDEN", Path(__file__).parents[3] / "shared" / "golden")) / "solvers"


def recordings(*words):
    """Every recording of the conformance kit, or those kept in this repository where the kit is absent."""
    folder = KIT if KIT.is_dir() else HERE
    return [path for path in sorted((folder / "traj").glob("*.npz")) if all(word in path.stem for word in words)]


class Losses(Observer):
    """The train net's loss of each iteration."""

    def __init__(self):
        self.loss = []

    def on_display(self, solver, display):
        self.loss.append(display.loss)


def solver_of(recording, backend, monkeypatch, tmp_path, path):
    """A solver of the recording, about to begin; data paths count from the kit's folder, snapshots go to tmp_path."""
    monkeypatch.chdir(path.parents[1])
    param = parse(str(recording["solver"]), pb.SolverParameter())
    param.ClearField("net")
    param.net_param.CopyFrom(parse(str(recording["net"]), pb.NetParameter()))
    param.snapshot_prefix = str(tmp_path / "run")
    param.display = 1
    return Solver(param, backend=backend, observers=[Losses()])


def set_parameters(net, recording, prefix):
    for layer, index, _ in json.loads(str(recording["param_names"])):
        net.backend.upload(net.params[layer][index].data, recording[f"{prefix}__{layer}__{index}"])


def assert_follows(solver, recording, prefix=""):
    """Step through the recorded iterations; compare rate, loss and all parameters after each that is recorded."""
    iterations = recording[f"{prefix}iters"].tolist()
    losses = solver.observers[0].loss
    first, before = solver.iteration, len(losses)
    for at, iteration in enumerate(iterations):
        solver.step(iteration - solver.iteration)
        for layer, index, _ in json.loads(str(recording["param_names"])):
            ours = solver.backend.to_host(solver.net.params[layer][index].data)
            theirs = recording[f"{prefix}traj__{layer}__{index}"][at]
            error = abs(ours - theirs).max()
            assert error <= 1e-4 * (1e-2 + abs(theirs).max()), f"iteration {iteration}, {layer}/{index}: {error:g}"
    recorded = recording[f"{prefix}loss"].mean(axis=1)
    np.testing.assert_allclose(losses[before:], recorded, rtol=1e-4, atol=1e-5)
    rates = [
        np.float32(solver.rate.policy.rate(solver.param, i, _step_of(solver, i))) for i in range(first, iterations[-1])
    ]
    np.testing.assert_array_equal(np.array(rates), recording[f"{prefix}lr"])


def _step_of(solver, iteration):
    step = 0
    for i in range(iteration + 1):
        step = solver.rate.policy.steps(solver.param, i, step)
    return step


RUNS = [(path, CpuBackend) for path in recordings()]
RUNS += [(path, Backend) for path in recordings("everything")]
RUNS += [(path, FakeBackend) for path in recordings("mlp__everything")]


@pytest.mark.parametrize(("path", "backend"), RUNS, ids=lambda value: getattr(value, "stem", None) or value.name)
def test_trains_as_caffe_does(path, backend, monkeypatch, tmp_path):
    recording = np.load(path)
    solver = solver_of(recording, backend(), monkeypatch, tmp_path, path)
    set_parameters(solver.net, recording, "init")
    assert_follows(solver, recording)
    if "continued_iters" in recording:
        assert_follows(solver, recording, "continued_")
    solver.close()


@pytest.mark.parametrize("path", recordings("__snap_"), ids=lambda path: path.stem)
def test_goes_on_from_caffes_snapshot(path, monkeypatch, tmp_path):
    recording = np.load(path)
    solver = solver_of(recording, CpuBackend(), monkeypatch, tmp_path, path)
    solver.restore(str(recording["snapshot_state"]))
    assert solver.iteration == recording["restored_iter"]
    assert_follows(solver, recording, "restored_")
    solver.close()


@pytest.mark.parametrize("path", recordings("__snap_"), ids=lambda path: path.stem)
def test_goes_on_exactly_from_its_own_snapshot(path, monkeypatch, tmp_path):
    """The data go on too, so a resumed run equals the one that was never stopped."""
    recording = np.load(path)
    solver = solver_of(recording, CpuBackend(), monkeypatch, tmp_path, path)
    set_parameters(solver.net, recording, "init")
    solver.step(10)
    _, state = solver.snapshot()
    solver.close()
    resumed = solver_of(recording, CpuBackend(), monkeypatch, tmp_path, path)
    resumed.restore(state)
    assert_follows(resumed, recording, "continued_")
    resumed.close()
