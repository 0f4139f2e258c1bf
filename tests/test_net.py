"""A net as its user drives it: built for a phase, run whole or in part, reshaped, its parameters taken over."""

import numpy as np
import pytest

from cafpy.errors import LayerError, NetError
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse

# x + 1, squared, times 3: f = 3 (x + 1)^2, df/dx = 6 (x + 1)
STEPS = """
name: "steps"
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "plus" type: "Power" bottom: "x" top: "plus" power_param { shift: 1 } }
layer { name: "square" type: "Power" bottom: "plus" top: "square" power_param { power: 2 } }
layer { name: "times" type: "Power" bottom: "square" top: "out" power_param { scale: 3 } }
force_backward: true
"""
CONVOLUTION = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 3 dim: 3 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 1 kernel_size: 3 weight_filler { value: -1 } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "double" type: "Power" bottom: "conv" top: "double" power_param { scale: 2 } }
"""


def build(text=STEPS, phase=pb.TEST, **options):
    return Net(parse(text, pb.NetParameter(), "net.prototxt"), phase, **options)


def values(net, *names):
    return [float(net.blobs[name].data.ravel()[0]) for name in names]


# -- parts of a net


def test_forward_from_and_to_a_layer():
    net = build()
    net.blobs["x"].data[...] = 1
    net.forward(last=2)
    assert values(net, "plus", "square", "out") == [2, 4, 0]
    net.blobs["plus"].data[...] = 5  # as by hand in a notebook
    net.forward(first=2)
    assert values(net, "plus", "square", "out") == [5, 25, 75]
    net.forward(1, 1)
    assert values(net, "plus", "square", "out") == [2, 25, 75]


def test_backward_from_and_to_a_layer():
    net = build()
    net.blobs["x"].data[...] = 1
    net.forward()
    for blob in net.blobs.values():
        blob.diff[...] = 1
    net.backward(last=2)
    assert [net.blobs[name].diff[0, 0] for name in ("x", "plus", "square")] == [1, 12, 3]
    net.blobs["plus"].diff[...] = 10
    net.backward(first=1)
    assert [net.blobs[name].diff[0, 0] for name in ("x", "plus", "square")] == [10, 10, 3]


def test_a_fused_net_stopped_inside_shows_what_is_there():
    """A convolution and its ReLU run as one; whoever stops between them finds the numbers before the ReLU."""
    net = build(CONVOLUTION, phase=pb.TRAIN)
    assert any(len(step.nodes) > 1 for step in net.plan)
    net.blobs["data"].data[...] = 1
    net.forward(last=1)
    assert values(net, "conv", "double") == [-9, 0]
    net.forward(first=2)
    assert values(net, "conv", "double") == [0, 0]
    net.blobs["conv"].data[...] = 4
    net.forward(first=3)
    assert values(net, "conv", "double") == [4, 8]
    net.forward()
    assert values(net, "conv", "double") == [0, 0]


def test_in_place_layers_work_on_one_blob():
    text = CONVOLUTION.replace('"ReLU"', '"Power"').replace(
        'top: "conv" }', 'top: "conv" power_param { power: 2 shift: 1 } }'
    )
    net = build(text, phase=pb.TRAIN)
    assert list(net.blobs) == ["data", "conv", "double"]
    net.blobs["data"].data[...] = 1
    for _ in range(2):  # the second pass starts from the convolution again, not from the first one's result
        net.forward()
        assert values(net, "conv", "double") == [64, 128]


def test_an_index_behind_the_last_layer():
    with pytest.raises(IndexError):
        build().backward(first=4)


# -- shapes


def test_inputs_may_be_reshaped_before_a_pass():
    net = build()
    for shape in ((5, 1), (1, 2), (2, 3)):
        net.blobs["x"].reshape(shape)
        net.blobs["x"].data[...] = 1
        net.forward()
        assert net.blobs["out"].shape == shape and (net.blobs["out"].data == 12).all()


def test_reshape_alone_computes_nothing():
    net = build()
    net.blobs["x"].data[...] = 1
    net.blobs["x"].reshape((4, 7))
    net.reshape()
    assert {blob.shape for blob in net.blobs.values()} == {(4, 7)}
    assert values(net, "out") == [0]


def test_an_input_that_no_longer_fits_is_told_by_its_layer():
    net = build(CONVOLUTION)
    net.blobs["data"].reshape((1, 1, 2, 2))
    for run in (net.forward, net.reshape):
        with pytest.raises(LayerError, match=r"^layer 'conv' \(Convolution\), net.prototxt:3: .* 2×2"):
            run()


def test_parameters_do_not_change_with_the_input():
    """An InnerProduct's weight is as long as an item; another length is a mistake, not new weights."""
    net = build(
        'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }\n'
        'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2 } }'
    )
    net.blobs["x"].reshape((2, 4))
    with pytest.raises(
        LayerError, match=r"net\.prototxt:2: the weight takes 3 values an item, but bottom 'x' now has 4"
    ):
        net.forward()


# -- loss

TWO_LOSSES = """
layer { name: "in" type: "Input" top: "x" top: "y" input_param { shape { dim: 1 dim: 2 } } }
layer { name: "zebra" type: "EuclideanLoss" bottom: "x" bottom: "y" top: "zebra" loss_weight: 0.5 }
layer { name: "mean" type: "Reduction" bottom: "x" top: "mean" reduction_param { axis: 1 } loss_weight: 10 }
layer { name: "apple" type: "EuclideanLoss" bottom: "x" bottom: "y" top: "apple" loss_weight: 0 }
"""


def test_the_loss_is_the_weighted_sum():
    net = build(TWO_LOSSES, phase=pb.TRAIN)
    net.blobs["x"].data[...] = 3
    net.forward()
    assert values(net, "zebra", "mean", "apple") == [9, 6, 9]
    assert net.loss() == 0.5 * 9 + 10 * 6
    assert [net.loss_weight(name) for name in ("zebra", "mean", "apple", "x", "none")] == [0.5, 10, 0, 0, 0]
    assert net.outputs == ["apple", "mean", "zebra"] and net.inputs == ["x", "y"]


def test_the_loss_weight_lives_through_a_change_of_shape():
    """It stands where a top's gradient would, in memory that grows with the batch."""
    net = build(
        'force_backward: true layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 } } }\n'
        'layer { name: "sum" type: "Power" bottom: "x" top: "s" loss_weight: 3 power_param { scale: 2 } }',
        phase=pb.TRAIN,
    )
    net.blobs["x"].reshape((4, 2))
    net.forward()
    net.backward()
    assert (net.blobs["x"].diff == 6).all()


# -- phases

PHASES = """
layer { name: "train" type: "Input" top: "x" include { phase: TRAIN } input_param { shape { dim: 64 dim: 2 } } }
layer { name: "test" type: "Input" top: "x" include { phase: TEST } input_param { shape { dim: 1 dim: 2 } } }
layer { name: "drop" type: "Dropout" bottom: "x" top: "d" exclude { stage: "deploy" phase: TEST } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 2 } }
"""


def test_one_file_makes_the_nets_of_all_phases():
    train, test, deploy = build(PHASES, pb.TRAIN), build(PHASES), build(PHASES, stages=["deploy"])
    assert train.layer_names == ["train", "x_train_0_split", "drop", "ip"]
    assert test.layer_names == ["test", "x_test_0_split", "drop", "ip"]
    assert deploy.layer_names == ["test", "ip"] and deploy.outputs == ["ip"]
    assert (train.blobs["ip"].shape, test.blobs["ip"].shape) == ((64, 2), (1, 2))
    for net, dropped in ((train, True), (test, False)):
        net.blobs["x"].data[...] = 1
        net.forward()
        assert bool((net.blobs["d"].data == 0).any()) == dropped


def test_a_net_of_which_the_rules_leave_nothing():
    text = 'name: "n" layer { name: "in" type: "Input" top: "x" include { phase: TRAIN } }'
    with pytest.raises(NetError, match="the net 'n' has no layer: its include and exclude rules leave out all 1"):
        build(text)


# -- parameters of other nets


def test_a_test_net_sees_what_the_train_net_learns():
    train, test = build(PHASES, pb.TRAIN), build(PHASES)
    test.share_trained_layers_with(train)
    train.params["ip"][0].data[...] = 3
    train.arena()  # a solver moves them afterwards
    train.params["ip"][1].data[...] = 4
    test.blobs["x"].data[...] = 1
    test.forward()
    assert values(test, "ip") == [10]


def test_a_layer_of_another_size_is_not_shared():
    with pytest.raises(NetError, match=r"layer 'ip' has parameters of shapes \[\(5, 2\), \(5,\)\] in the one phase"):
        build(PHASES.replace("num_output: 2", "num_output: 5")).share_trained_layers_with(build(PHASES))


def test_as_a_message_it_holds_parameters_and_builds_again():
    net = build(CONVOLUTION + 'name: "whole"')
    net.params["conv"][0].diff[...] = 5
    plain, with_diff = net.to_proto(), net.to_proto(write_diff=True)
    assert (plain.name, [layer.name for layer in plain.layer]) == ("whole", net.layer_names)
    assert not any(layer.defined_at for layer in plain.layer)
    assert [len(layer.blobs) for layer in plain.layer] == [0, 2, 0, 0]
    assert list(plain.layer[1].blobs[0].data) == [-1] * 9 and not plain.layer[1].blobs[0].diff
    assert list(with_diff.layer[1].blobs[0].diff) == [5] * 9
    assert Net(plain).layer_names == net.layer_names


def test_the_seed_fixes_parameters_whatever_else_the_net_holds():
    text = PHASES.replace("num_output: 2", 'num_output: 2 weight_filler { type: "xavier" }')
    early = 'layer { name: "early" type: "InnerProduct" bottom: "d" top: "e" inner_product_param { num_output: 1 } }'
    more = text.replace('layer { name: "ip"', early + 'layer { name: "ip"')
    first, same, other = build(text, seed=5), build(more, seed=5), build(text, seed=6)
    assert np.array_equal(first.params["ip"][0].data, same.params["ip"][0].data)
    assert not np.array_equal(first.params["ip"][0].data, other.params["ip"][0].data)


# -- sharing memory


@pytest.mark.parametrize("phase", [pb.TRAIN, pb.TEST])
def test_inputs_and_outputs_can_be_looked_at_after_a_pass(phase):
    """Also an output that an early layer makes, long before the last one."""
    early = 'layer { name: "early" type: "Power" bottom: "plus" top: "early" power_param { scale: 7 } }\n'
    text = STEPS.replace("force_backward: true", "").replace('layer { name: "square"', early + 'layer { name: "square"')
    net = build(text, phase=phase, share_memory=True)
    for _ in range(2):
        net.blobs["x"].data[...] = 1
        net.forward()
        assert values(net, "x", "early", "out") == [1, 14, 12]
