"""InnerProduct: cases for the contract, and its errors."""

import pytest

from cafpy.errors import LayerError
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.testing.case import Case

FILLERS = 'weight_filler { type: "xavier" } bias_filler { type: "gaussian" }'

CASES = [
    Case("plain", f'type: "InnerProduct" inner_product_param {{ num_output: 4 {FILLERS} }}', [(3, 2, 5)]),
    Case(
        "no bias", f'type: "InnerProduct" inner_product_param {{ num_output: 4 bias_term: false {FILLERS} }}', [(3, 5)]
    ),
    Case("axis", f'type: "InnerProduct" inner_product_param {{ num_output: 2 axis: 2 {FILLERS} }}', [(3, 2, 2, 4)]),
    Case("last axis", f'type: "InnerProduct" inner_product_param {{ num_output: 2 axis: -1 {FILLERS} }}', [(3, 2, 4)]),
    Case(
        "transpose", f'type: "InnerProduct" inner_product_param {{ num_output: 4 transpose: true {FILLERS} }}', [(3, 7)]
    ),
]


def build(options: str) -> Net:
    text = f"""
    layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ dim: 2 dim: 3 dim: 4 }} }} }}
    layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param {{ {options} }} }}"""
    return Net(parse(text, pb.NetParameter(), "net.prototxt"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "num_output is missing; write how many values come out, for example num_output: 10"),
        (
            "num_output: 3 axis: 3",
            "axis: 3 is out of range for a bottom with 3 axes (shape 2×3×4); use -3 to 2",
        ),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(LayerError) as error:
        build(options)
    assert str(error.value) == f"layer 'ip' (InnerProduct), net.prototxt:3: {message}"


def test_another_length_is_an_error():
    net = build("num_output: 3")
    net.blobs["x"].reshape((2, 3, 5))
    with pytest.raises(LayerError) as error:
        net.forward()
    assert str(error.value) == (
        "layer 'ip' (InnerProduct), net.prototxt:3: the weight takes 12 values an item, but bottom 'x' now has 15; "
        "only the axes before the axis of the product can change"
    )


def test_another_batch_size_is_none():
    net = build("num_output: 3")
    net.blobs["x"].reshape((7, 3, 4))
    net.forward()
    assert net.blobs["y"].shape == (7, 3)
