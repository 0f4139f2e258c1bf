"""Which steps a net takes, whole and in part."""

import pytest

from cafpy.backend import Backend
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse

from .conftest import CONVOLUTION, INPUT, LOSS

NET = INPUT + CONVOLUTION + 'layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }' + LOSS % "conv"


def build(text=NET, **options):
    return Net(parse(text, pb.NetParameter(), "net.prototxt"), pb.TRAIN, **options)


def names(steps):
    return [step.name for step in steps]


def test_fused_or_not():
    assert names(build().plan) == ["data", "conv + relu", "ip", "aim", "loss"]
    assert names(build(fuse=False).plan) == ["data", "conv", "relu", "ip", "aim", "loss"]


def test_steps_know_their_layers():
    net = build()
    assert net.plan.step_numbers() == [0, 1, 1, 2, 3, 4]
    assert [(step.first, step.last) for step in net.plan] == [(0, 0), (1, 2), (3, 3), (4, 4), (5, 5)]
    assert net.layer_names == ["data", "conv", "relu", "ip", "aim", "loss"]


@pytest.mark.parametrize(
    ("first", "last", "wanted"),
    [
        (0, 5, ["data", "conv + relu", "ip", "aim", "loss"]),
        (1, 2, ["conv + relu"]),
        (0, 1, ["data", "conv"]),
        (2, 3, ["relu", "ip"]),
        (2, 2, ["relu"]),
        (3, 2, []),
    ],
)
def test_a_part_of_a_net(first, last, wanted):
    assert names(build().plan.between(first, last)) == wanted


def test_layers_behind_the_last_are_an_error():
    with pytest.raises(IndexError):
        build().forward(6, 6)


def test_where_routines_have_no_fast_body_layers_stay_single():
    assert len(build(backend=Backend()).plan.steps) == 6


def test_a_layer_that_something_else_reads_in_between_stays_single():
    """A Split goes behind the convolution then, and the ReLU no longer works on its top."""
    silence = 'layer { name: "look" type: "Silence" bottom: "conv" }\n'
    text = INPUT + CONVOLUTION + 'layer { name: "relu" type: "ReLU" bottom: "conv" top: "out" }\n' + silence
    assert all(len(step.nodes) == 1 for step in build(text + LOSS % "out").plan)


def test_an_error_names_the_layer_it_comes_from():
    from cafpy.errors import LayerError

    net = build()
    net.blobs["data"].reshape((3, 5, 9, 8))
    with pytest.raises(LayerError, match=r"layer 'conv' \(Convolution\)"):
        net.forward()
