"""A net with fused layers trained: as with single ones, and a snapshot goes on to the last bit."""

import numpy as np
import pytest

from cafpy.backend import CpuBackend
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.solvers.solver import Solver

NET = """
layer { name: "data" type: "DummyData" top: "data" top: "aim"
  dummy_data_param { shape { dim: 4 dim: 3 dim: 8 dim: 8 } shape { dim: 4 dim: 2 }
    data_filler { type: "gaussian" } data_filler { type: "gaussian" } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 6 kernel_size: 3 pad: 1 bias_term: false weight_filler { type: "msra" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" batch_norm_param { moving_average_fraction: 0.9 } }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "conv2" type: "Convolution" bottom: "conv" top: "conv2"
  convolution_param { num_output: 6 kernel_size: 3 pad: 1 weight_filler { type: "msra" } } }
layer { name: "sum" type: "Eltwise" bottom: "conv" bottom: "conv2" top: "sum" }
layer { name: "relu2" type: "ReLU" bottom: "sum" top: "sum" }
layer { name: "ip" type: "InnerProduct" bottom: "sum" top: "ip"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "aim" top: "loss" }
"""
SOLVER = """
base_lr: 0.01 momentum: 0.9 lr_policy: "fixed" max_iter: 6 random_seed: 5 snapshot_prefix: "run"
test_iter: 1 test_interval: 100 test_initialization: false snapshot_after_train: false
"""


@pytest.fixture
def solver(tmp_path, monkeypatch):
    """Makes solvers in a folder of their own; closes them at the end."""
    monkeypatch.chdir(tmp_path)
    made = []

    def make(fuse, dtype=np.float32):
        param = parse(SOLVER, pb.SolverParameter())
        param.net_param.CopyFrom(parse(NET, pb.NetParameter()))
        made.append(Solver(param, backend=CpuBackend(), dtype=dtype, fuse=fuse))
        return made[-1]

    yield make
    for one in made:
        one.close()


def parameters(net):
    return {f"{name} {i}": blob.data.copy() for name, blobs in net.params.items() for i, blob in enumerate(blobs)}


def test_training_is_that_of_single_layers(solver):
    fused, single = solver(True, np.float64), solver(False, np.float64)
    assert sum(len(step.nodes) > 1 for step in fused.net.plan) == 2
    assert all(len(step.nodes) == 1 for step in (*single.net.plan, *single.test_nets[0].plan))
    for one in (fused, single):
        one.step(6)
    theirs = parameters(single.net)
    for name, values in parameters(fused.net).items():
        np.testing.assert_allclose(values, theirs[name], rtol=1e-9, atol=1e-11, err_msg=name)


def test_a_snapshot_goes_on_to_the_last_bit(solver):
    whole, first, second = solver(True), solver(True), solver(True)
    whole.step(6)
    first.step(3)
    first.snapshot()
    second.restore("run_iter_3.solverstate")
    second.step(3)
    theirs = parameters(whole.net)
    for name, values in parameters(second.net).items():
        np.testing.assert_array_equal(values, theirs[name], err_msg=name)


def test_test_net_sees_what_was_learned(solver):
    """It runs convolution, BatchNorm, Scale and ReLU as one, with the train net's parameters."""
    fused, single = solver(True, np.float64), solver(False, np.float64)
    for one in (fused, single):
        one.step(4)
        one.test_nets[0].forward()
    assert fused.test_nets[0].plan.steps[1].type == "Convolution + BatchNorm + Scale + ReLU"
    np.testing.assert_allclose(fused.test_nets[0].loss(), single.test_nets[0].loss(), rtol=1e-9)
