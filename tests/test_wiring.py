"""Who computes which gradient, in numbers: what is cut off stays untouched, what is asked for is right.

Which layers take part in backward is recorded from Caffe in tests/golden/graph; here, what reaches the blobs.
"""

import numpy as np
import pytest

from cafpy.errors import LayerError, NetError
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse

# every gradient is a plain number: that of x is the product of the weights behind it
CHAIN = """
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: 1 dim: 1 }} }} }}
layer {{ name: "a" type: "InnerProduct" bottom: "x" top: "a" {a}
  inner_product_param {{ num_output: 1 bias_term: false weight_filler {{ value: 2 }} }} }}
layer {{ name: "b" type: "InnerProduct" bottom: "a" top: "b" {b}
  inner_product_param {{ num_output: 1 bias_term: false weight_filler {{ value: 3 }} }} }}
layer {{ name: "c" type: "Power" bottom: "b" top: "c" power_param {{ scale: 5 }} {c} }}
"""
UNTOUCHED = -77.0


def build(a="", b="", c="", before="", after=""):
    """The chain after forward and backward, for x = 1; the gradients of its blobs were UNTOUCHED before."""
    text = before + CHAIN.format(a=a, b=b, c=c) + after
    net = Net(parse(text, pb.NetParameter(), "net.prototxt"), pb.TRAIN)
    net.blobs["x"].data[...] = 1
    for name in "xab":
        net.blobs[name].diff[...] = UNTOUCHED
    net.forward()
    net.backward()
    return net


def diffs(net):
    """The gradients of x, a, b and of the two weights."""
    blobs = [float(net.blobs[name].diff.ravel()[0]) for name in "xab"]
    return blobs + [float(net.params[name][0].diff.ravel()[0]) for name in "ab"]


def test_only_what_learning_needs_is_computed():
    """Nothing below x learns, so x has no gradient."""
    assert diffs(build(c="loss_weight: 1")) == [UNTOUCHED, 15, 5, 15, 10]


def test_a_loss_weight_scales_all_gradients():
    assert diffs(build(c="loss_weight: 0.5")) == [UNTOUCHED, 7.5, 2.5, 7.5, 5]


def test_below_frozen_layers_nothing_is_computed():
    assert diffs(build(a="param { lr_mult: 0 }", c="loss_weight: 1")) == [UNTOUCHED, UNTOUCHED, 5, 0, 10]


def test_a_frozen_layer_lets_gradients_through():
    assert diffs(build(b="param { lr_mult: 0 }", c="loss_weight: 1")) == [UNTOUCHED, 15, 5, 15, 0]


def test_propagate_down_false_cuts():
    assert diffs(build(b="propagate_down: false", c="loss_weight: 1")) == [UNTOUCHED, UNTOUCHED, 5, 0, 10]


def test_propagate_down_true_asks_for_an_inputs_gradient():
    assert diffs(build(a="propagate_down: true", c="loss_weight: 1")) == [30, 15, 5, 15, 10]


def test_force_backward_asks_for_all():
    net = build(before="force_backward: true ", a="param { lr_mult: 0 }", c="loss_weight: 1")
    assert diffs(net) == [30, 15, 5, 15, 10]


@pytest.mark.parametrize("weight", ["", "loss_weight: 0"])
def test_without_a_loss_nothing_is_computed(weight):
    assert diffs(build(c=weight)) == [UNTOUCHED] * 3 + [0, 0]


def test_a_branch_that_reaches_no_loss_adds_nothing():
    """b is read twice, so a Split gives each reader a copy and adds their gradients: only one reader has one."""
    branch = 'layer { name: "d" type: "Power" bottom: "b" top: "d" power_param { scale: 100 } }\n'
    assert diffs(build(c="loss_weight: 1", after=branch)) == [UNTOUCHED, 15, 5, 15, 10]


def test_branches_with_a_loss_each_add_up():
    branch = 'layer { name: "d" type: "Power" bottom: "b" top: "d" power_param { scale: 100 } loss_weight: 2 }\n'
    assert diffs(build(c="loss_weight: 1", after=branch)) == [UNTOUCHED, 615, 205, 615, 410]


LABELS = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 3 } }
layer { name: "max" type: "Reduction" bottom: "ip" top: "l" reduction_param { axis: 1 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "l" top: "loss" %s }
"""


def test_a_loss_sends_no_gradient_into_labels_that_learn():
    with pytest.raises(NetError) as error:
        Net(parse(LABELS % "", pb.NetParameter(), "net.prototxt"), pb.TRAIN)
    assert str(error.value) == (
        "layer 'loss' (SoftmaxWithLoss), net.prototxt:5: bottom 'l' comes from layers that learn, but this layer gives "
        "it no gradient; if it is meant as a label, write `propagate_down: true propagate_down: false`"
    )


def test_and_the_advice_helps():
    text = LABELS % "propagate_down: true propagate_down: false"
    net = Net(parse(text, pb.NetParameter(), "net.prototxt"), pb.TRAIN)
    net.blobs["x"].data[...] = 1
    net.forward()
    net.backward()
    assert np.abs(net.params["ip"][0].diff).max() > 0


def test_a_net_that_only_tests_may_have_such_labels():
    assert Net(parse(LABELS % "", pb.NetParameter()), pb.TEST).outputs == ["loss"]


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ('type: "Silence" top: "t"', "takes at least 1 bottom blob, but the net gives it none"),
        ('type: "Eltwise" bottom: "x" top: "t"', "takes at least 2 bottom blobs, but the net gives it 1: x"),
        ('type: "Accuracy" bottom: "x" bottom: "x" top: "t" top: "u" top: "v"',
         "gives 1 to 2 top blobs, but the net gives it 3: t, u, v"),
        ('type: "BatchNorm" bottom: "x" bottom: "x" top: "t"', "takes 1 bottom blob, but the net gives it 2: x, x"),
    ],
)  # fmt: skip
def test_counts_are_told_with_the_blobs(layer, said):
    text = LABELS.splitlines()[1] + f'\nlayer {{ name: "l" {layer} }}'
    with pytest.raises(LayerError) as error:
        Net(parse(text, pb.NetParameter(), "net.prototxt"))
    assert str(error.value).endswith(f"net.prototxt:2: {said}")
