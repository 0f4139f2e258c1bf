import numpy as np
import pytest

from cafpy.errors import SolverError

NET = """
name: "chain"
layer { name: "data" type: "HDF5Data" top: "x" top: "y" hdf5_data_param { source: "data.txt" batch_size: 4 } }
layer { name: "conv1" type: "InnerProduct" bottom: "x" top: "conv1"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv1" top: "bn" }
layer { name: "conv2" type: "InnerProduct" bottom: "bn" top: "conv2" param { name: "w" lr_mult: 2 } param { name: "b" }
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "twin" type: "InnerProduct" bottom: "conv2" top: "twin" param { name: "w" } param { name: "b" }
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "ip" type: "InnerProduct" bottom: "twin" top: "ip"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "y" top: "loss" }
"""
TEXT = "weight_decay: 0.1 momentum: 0.5 "


def changed(solver, steps=3):
    """The parameters that training changes, as layer/index."""
    before = solver.flat.data.copy()
    solver.step(steps)
    parts = zip(solver.net.learnable, solver.flat.parts, strict=True)
    return [str(p) for p, part in parts if not np.array_equal(before[part], solver.flat.data[part])]


def needs_backward(solver):
    return [node.param.name for node in solver.net.nodes if node.needs_backward]


def test_all_learn_otherwise(make_solver):
    solver = make_solver(TEXT, net=NET)
    assert {"conv1/0", "bn/0", "conv2/0", "ip/0", "ip/1"} <= set(changed(solver))


def test_frozen_layers_stay_and_nothing_is_computed_for_them(make_solver):
    solver = make_solver(TEXT + 'freeze: "conv*" freeze: "bn"', net=NET)
    assert changed(solver) == ["ip/0", "ip/1"]
    assert "conv1" not in needs_backward(solver) and "conv2" not in needs_backward(solver)
    assert solver.observers[0].of("note") == [("note", 0, "Frozen: conv1, conv2, bn")]


def test_layers_above_learn_through_a_frozen_one(make_solver):
    solver = make_solver(TEXT + 'freeze: "ip"', net=NET)
    names = changed(solver)
    assert "conv1/0" in names and "ip/0" not in names


def test_a_shared_parameter_is_frozen_for_all(make_solver):
    solver = make_solver(TEXT + 'freeze: "twin"', net=NET)
    names = changed(solver)
    assert "conv2/0" not in names and "conv2/1" not in names and "conv1/0" in names


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (
            "cnv1",
            "freeze: \"cnv1\" matches no layer that has parameters (did you mean 'conv1'?); "
            "there are conv1, bn, conv2, twin, ip",
        ),
        ("*", "freeze: * leaves no layer of the train net that learns"),
    ],
)
def test_errors(make_solver, pattern, message):
    with pytest.raises(SolverError) as error:
        make_solver(f'freeze: "{pattern}"', net=NET)
    assert str(error.value) == message
