"""A small regression problem in the working directory, and solvers for it."""

import h5py
import numpy as np
import pytest

from cafpy.backend import CpuBackend
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.solvers.observer import Observer
from cafpy.solvers.solver import Solver

NET = """
name: "line"
layer { name: "data" type: "HDF5Data" top: "x" top: "y" include { phase: TRAIN }
  hdf5_data_param { source: "data.txt" batch_size: 4 shuffle: true } }
layer { name: "data" type: "HDF5Data" top: "x" top: "y" include { phase: TEST }
  hdf5_data_param { source: "data.txt" batch_size: 5 } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "y" top: "loss" }
"""


class Events(Observer):
    """Notes what a solver tells, as tuples (event, iteration, …)."""

    def __init__(self):
        self.told = []

    def __getattribute__(self, name):
        if not name.startswith("on_"):
            return super().__getattribute__(name)
        getattr(Observer, name)  # only events that there are
        return lambda solver, *details: self.told.append((name[3:], solver.iteration, *details))

    def of(self, *events):
        return [entry for entry in self.told if entry[0] in events]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory: ten rows of data.h5, data.txt that lists it, net.prototxt."""
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).standard_normal((10, 3)).astype(np.float32)
    with h5py.File("data.h5", "w") as file:
        file["x"], file["y"] = x, x @ np.float32([[1, 2], [3, 4], [5, 6]])
    (tmp_path / "data.txt").write_text("data.h5\n")
    (tmp_path / "net.prototxt").write_text(NET)
    return tmp_path


FIELDS = {"base_lr": 0.05, "lr_policy": "fixed", "max_iter": 6, "random_seed": 1, "snapshot_after_train": False}


@pytest.fixture
def make_solver(folder):
    """make_solver("more: fields", net=NET, **options of Solver) -> a solver with an Events observer."""
    made = []

    def make(text="", net=NET, **options):
        param = parse(text, pb.SolverParameter(), "solver.prototxt")
        for name, value in FIELDS.items():
            if not param.HasField(name) and not (name == "max_iter" and param.HasField("max_epoch")):
                setattr(param, name, value)
        if net and not any(param.HasField(name) for name in ("net", "net_param", "train_net", "train_net_param")):
            param.net_param.CopyFrom(parse(net, pb.NetParameter(), "net.prototxt"))
        made.append(Solver(param, backend=CpuBackend(), observers=[Events()], **options))
        return made[-1]

    yield make
    for solver in made:
        solver.close()


@pytest.fixture
def net_text():
    """The prototxt of the net of make_solver."""
    return NET
