"""The work counted for layers, against numbers worked out by hand."""

import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.cli.layer_cost import NOTHING, Cost, backward_cost, forward_cost
from cafpy.cli.layer_table import Row, table
from cafpy.cli.layer_time import LayerTime
from cafpy.cli.machine_limits import Limits, measure_limits
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse

NET = """
layer { name: "data" type: "Input" top: "data" top: "label"
        input_param { shape { dim: 2 dim: 3 dim: 5 dim: 5 } shape { dim: 2 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "relu" }
layer { name: "pool" type: "Pooling" bottom: "relu" top: "pool" pooling_param { pool: MAX kernel_size: 3 } }
layer { name: "up" type: "Deconvolution" bottom: "pool" top: "up" convolution_param { num_output: 5 kernel_size: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "up" top: "ip" inner_product_param { num_output: 6 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


@pytest.fixture(scope="module")
def node():
    net = Net(parse(NET, pb.NetParameter()), pb.TRAIN, backend=Backend())
    return {node.param.name: node for node in net.nodes}.__getitem__


def test_a_convolution_multiplies_each_weight_once_an_output_position(node):
    cost = forward_cost(node("conv"))
    assert cost.flops == 2 * 2 * (4 * 3 * 9) * 9  # a product and a sum, images, weights, positions
    assert cost.bytes == 4 * (2 * 3 * 25 + 4 * 3 * 9 + 4 + 2 * 4 * 9)


def test_without_a_gradient_to_the_data_backward_costs_what_forward_does(node):
    assert backward_cost(node("conv")).flops == forward_cost(node("conv")).flops
    assert backward_cost(node("ip")).flops == 2 * forward_cost(node("ip")).flops


def test_a_deconvolution_multiplies_each_weight_once_an_input_position(node):
    assert forward_cost(node("up")).flops == 2 * 2 * (4 * 5 * 4) * 1


def test_an_inner_product_multiplies_each_weight_once_an_image(node):
    assert forward_cost(node("ip")).flops == 2 * 2 * (5 * 4 * 6)


def test_a_rectifier_moves_two_blobs_forward_and_three_backward(node):
    size = 4 * 2 * 4 * 9
    assert forward_cost(node("relu")) == Cost(0, 2 * size)
    assert backward_cost(node("relu")) == Cost(0, 3 * size)


def test_pooling_does_not_read_its_bottom_again(node):
    assert backward_cost(node("pool")).bytes == 4 * (2 * 4 * 1 + 2 * 4 * 9)


def test_an_input_costs_nothing(node):
    assert forward_cost(node("data")) == backward_cost(node("data")) == NOTHING


def test_costs_add_up_and_the_slower_of_both_limits_counts():
    cost = Cost(4e9, 1e9) + Cost(2e9, 2e9)
    assert cost == Cost(6e9, 3e9)
    assert cost.least_seconds(gflops=100, gbytes=10) == pytest.approx(0.3)
    assert cost.least_seconds(gflops=10, gbytes=10) == pytest.approx(0.6)


def test_the_table_gives_rates_and_the_share_of_the_limit():
    rows = [
        Row(LayerTime("conv1", "Convolution", 0.01, 0.02), Cost(1.5e9, 3e6)),
        Row(LayerTime("relu1", "ReLU", 0.001, 0.001), Cost(0, 1e7)),
        Row(LayerTime("silent", "Silence", 0.0, 0.0), NOTHING),
    ]
    limits, _, conv, relu, hidden, total = table(rows, Limits(100, 10))
    assert "100 GFLOP/s" in limits and "10.0 GB/s" in limits
    assert conv.split() == ["conv1", "Convolution", "10.00", "ms", "20.00", "ms", "50", "0.1", "50%"]
    assert relu.split()[-3:] == ["0", "5.0", "50%"]
    assert "1 layers" not in hidden and "1 layer " in hidden
    assert "32.00 ms" in total and "at the limits: 16.00 ms (50%)" in total


@pytest.mark.parametrize("backend", [Backend(), CpuBackend(1), CpuBackend(2)])
def test_limits_are_measured(backend):
    limits = measure_limits(backend, repeats=1)
    assert limits.gflops > 0.1
    assert limits.gbytes > 0.1
