"""LRN: cases for the contract, and its errors."""

import pytest

from cafpy.errors import LayerError
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.testing.case import Case

CASES = [
    Case("default", 'type: "LRN"', [(2, 7, 3, 4)]),
    Case("alexnet", 'type: "LRN" lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 k: 2 }', [(2, 6, 3, 3)]),
    Case("more than the channels", 'type: "LRN" lrn_param { local_size: 9 alpha: 0.7 }', [(2, 3, 3, 2)]),
    Case("other power", 'type: "LRN" lrn_param { local_size: 3 alpha: 0.5 beta: 0.5 }', [(2, 5, 3, 4)]),
    Case("many positions", 'type: "LRN" lrn_param { local_size: 3 beta: 1.2 }', [(2, 9, 20, 31)], gradient=()),
    Case("within", 'type: "LRN" lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 }', [(2, 3, 5, 6)]),
    Case("within, wide", 'type: "LRN" lrn_param { norm_region: WITHIN_CHANNEL local_size: 9 beta: 2 }', [(1, 2, 4, 5)]),
]


@pytest.mark.parametrize(
    ("options", "shape", "message"),
    [
        ("local_size: 4", "dim: 2 dim: 3 dim: 4 dim: 4", "local_size: 4 must be odd, so that a window has a middle"),
        ("k: 0", "dim: 2 dim: 3 dim: 4 dim: 4", "k: 0 must be above 0, as its sum with the squares is divided by"),
        ("", "dim: 2 dim: 3", "bottom 'x' has shape 2×3; wanted 4 axes, N×C×H×W"),
    ],
)
def test_bad_options(options, shape, message):
    text = f"""
    layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ {shape} }} }} }}
    layer {{ name: "n" type: "LRN" bottom: "x" top: "y" lrn_param {{ {options} }} }}"""
    with pytest.raises(LayerError) as error:
        Net(parse(text, pb.NetParameter(), "net.prototxt"))
    assert str(error.value) == f"layer 'n' (LRN), net.prototxt:3: {message}"
