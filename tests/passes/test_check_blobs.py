"""The exact words about nets that cannot be wired."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cafpy.errors import NetError
from cafpy.passes import prepare
from cafpy.proto import cafpy_pb2 as pb

Read = Callable[[str], pb.NetParameter]
IN = 'layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }\n'


def refusal(net: pb.NetParameter, phase: int = pb.TEST) -> list[str]:
    with pytest.raises(NetError) as error:
        prepare(net, phase)
    return str(error.value).splitlines()


def test_misspelt_bottom(read_net: Read) -> None:
    assert refusal(read_net(IN + 'layer { name: "r" type: "ReLU" bottom: "dta" top: "r" }')) == [
        "layer 'r' (ReLU), net.prototxt:2: bottom 'dta' is produced by no layer before it (did you mean 'data'?)"
    ]


def test_bottom_that_resembles_nothing(read_net: Read) -> None:
    assert refusal(read_net(IN + 'layer { name: "r" type: "ReLU" bottom: "xyz" top: "xyz" }')) == [
        "layer 'r' (ReLU), net.prototxt:2: bottom 'xyz' is produced by no layer before it"
    ]


def test_bottom_defined_later(read_net: Read) -> None:
    assert refusal(read_net('layer { name: "r" type: "ReLU" bottom: "data" top: "r" }\n' + IN)) == [
        "layer 'r' (ReLU), net.prototxt:1: bottom 'data' is produced by no layer before it; "
        "it is made later, by layer 'in' (Input), net.prototxt:2: move that layer up"
    ]


def test_later_layer_in_place_is_no_source(read_net: Read) -> None:
    text = (
        'layer { name: "r" type: "ReLU" bottom: "x" top: "r" }\nlayer { name: "p" type: "ReLU" bottom: "x" top: "x" }'
    )
    assert refusal(read_net(text)) == [
        "layer 'r' (ReLU), net.prototxt:1: bottom 'x' is produced by no layer before it",
        "layer 'p' (ReLU), net.prototxt:2: bottom 'x' is produced by no layer before it",
    ]


def test_bottom_left_out_by_its_rules(read_net: Read) -> None:
    net = read_net(
        'layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TRAIN } }\n'
        'layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" }\n'
        'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" }'
    )
    prepare(net, pb.TRAIN)
    why = (
        "who makes it is left out of a net with phase TEST: layer 'd' (Data), net.prototxt:1 (include { phase: TRAIN })"
    )
    assert refusal(net) == [
        "layer 'ip' (InnerProduct), net.prototxt:2: bottom 'data' is produced by no layer before it; " + why,
        "layer 'loss' (SoftmaxWithLoss), net.prototxt:3: bottom 'label' is produced by no layer before it; " + why,
    ]


def test_input_without_shape(read_net: Read) -> None:
    assert refusal(read_net('input: "data"\nlayer { name: "r" type: "ReLU" bottom: "data" top: "r" }')) == [
        "layer 'r' (ReLU), net.prototxt:2: bottom 'data' is produced by no layer before it; "
        "there is an input of that name, but it has neither input_shape nor input_dim"
    ]


def test_two_layers_with_the_same_top(read_net: Read) -> None:
    net = read_net(
        IN
        + 'layer { name: "a" type: "ReLU" bottom: "data" top: "r" }\n'
        + 'layer { name: "b" type: "TanH" bottom: "data" top: "r" }\n'
        + 'layer { name: "s" type: "Slice" bottom: "r" top: "x" top: "x" }'
    )
    advice = "rename one of the two, or give each an include rule if a net never holds both"
    assert refusal(net) == [
        "layer 'b' (TanH), net.prototxt:3: top 'r' is already produced by layer 'a' (ReLU), net.prototxt:2; " + advice,
        "layer 's' (Slice), net.prototxt:4: top 'x' is already produced by this layer; " + advice,
    ]


@pytest.mark.parametrize(
    ("layers", "who"),
    [
        ('layer { name: "a" type: "TanH" bottom: "fc" top: "a" }\n'
         'layer { name: "act" type: "ReLU" bottom: "fc" top: "fc" }',
         "layer 'a' (TanH), net.prototxt:3"),
        ('layer { name: "a" type: "TanH" bottom: "fc" top: "a" }\n'
         'layer { name: "act" type: "Eltwise" bottom: "fc" bottom: "fc" top: "fc" }',
         "layer 'a' (TanH), net.prototxt:3"),
        ('layer { name: "b" type: "TanH" bottom: "data" top: "b" }\n'
         'layer { name: "act" type: "Eltwise" bottom: "fc" bottom: "fc" top: "fc" }',
         "another bottom of the same layer"),
    ],
)  # fmt: skip
def test_in_place_on_a_blob_with_other_readers(read_net: Read, layers: str, who: str) -> None:
    net = read_net(IN + 'layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" }\n' + layers)
    assert refusal(net) == [
        f"layer 'act' ({net.layer[-1].type}), net.prototxt:4: works in place on 'fc', but {who} also uses 'fc' as it "
        "was before; give this layer a top with a name of its own"
    ]


def test_in_place_on_a_loss(read_net: Read) -> None:
    net = read_net(
        IN
        + 'layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" loss_weight: 2 }\n'
        + 'layer { name: "act" type: "ReLU" bottom: "fc" top: "fc" }'
    )
    assert refusal(net) == [
        "layer 'act' (ReLU), net.prototxt:3: works in place on 'fc', but the loss_weight of layer 'fc' (InnerProduct), "
        "net.prototxt:2 also uses 'fc' as it was before; give this layer a top with a name of its own"
    ]


def test_chains_of_in_place_layers_are_fine(read_net: Read) -> None:
    net = read_net(
        IN
        + 'layer { name: "bn" type: "BatchNorm" bottom: "data" top: "data" }\n'
        + 'layer { name: "sc" type: "Scale" bottom: "data" top: "data" }\n'
        + 'layer { name: "a" type: "ReLU" bottom: "data" top: "a" }\n'
        + 'layer { name: "b" type: "ReLU" bottom: "data" top: "b" }'
    )
    assert [layer.name for layer in prepare(net, pb.TEST).layer] == ["in", "bn", "sc", "data_sc_0_split", "a", "b"]


def test_all_problems_at_once(read_net: Read) -> None:
    net = read_net(
        IN
        + 'layer { name: "a" type: "ReLU" bottom: "dat" top: "a" }\n'
        + 'layer { name: "b" type: "ReLU" bottom: "a" top: "data" }\n'
        + 'layer { name: "c" type: "ReLU" bottom: "bb" top: "c" }'
    )
    assert [line.split(":")[1] for line in refusal(net)] == ["2", "3", "4"]
