"""The mistakes of golden/errors.md that a net's prototxt can hold, under their numbers there: what cafpy says of each.

The net of each case is a file net.prototxt: line 1 holds the inputs `data` (2×3×8×8) and `label` (2), line 2 the mistake.
"""

from __future__ import annotations

import re

import pytest

from cafpy.errors import CafpyError
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import read_net

INPUT = (
    'layer { name: "in" type: "Input" top: "data" top: "label" '
    "input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } shape { dim: 2 } } }"
)
CONV = 'layer {{ name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param {{ {} }} }}'
POOL = 'layer {{ name: "p" type: "Pooling" bottom: "data" top: "p" pooling_param {{ {} }} }}'
IP = 'layer {{ name: "{0}" type: "InnerProduct" bottom: "data" top: "{0}" inner_product_param {{ num_output: {1} }} {2} }}'
RELU = 'layer { name: "r" type: "ReLU" bottom: "data" top: "r" }'

MISTAKES = [
    (1, 'layer { name: "c" type: "Convolutoin" bottom: "data" top: "c" }', "unknown layer type 'Convolutoin' (did you mean 'Convolution'?)"),
    (2, 'layer { name: "c" type: "convolution" bottom: "data" top: "c" }', "unknown layer type 'convolution' (did you mean 'Convolution'?)"),
    (3, 'layer { name: "c" bottom: "data" top: "c" }', "the layer has no type"),
    (4, 'layer { name: "r" type: "ReLU" bottom: "data" top: "r" relu_parm { } }', "layer 'r' has no field 'relu_parm' (did you mean 'relu_param'?)"),
    (5, CONV.format("num_outputs: 4 kernel_size: 3"), "layer 'c' has no field 'num_outputs' in convolution_param (did you mean 'num_output'?)"),
    (6, POOL.format("pool: AVG kernel_size: 2"), "pool has no value AVG (did you mean 'AVE'?); it is one of MAX, AVE, STOCHASTIC"),
    (7, POOL.format('pool: "AVE" kernel_size: 2'), "pool wants a name, not a string; write pool: AVE, without quotes"),
    (8, 'layer { name: "r" type: "ReLU" bottom: data top: "r" }', 'bottom wants a string in quotes; write bottom: "data"'),
    (9, 'layer { name: "r" type: "ReLU" bottom: "data" top: "r"', "layer is opened here and never closed; a } is missing"),
    (10, 'layer { name: 5 type: "ReLU" bottom: "data" top: "r" }', 'name wants a string in quotes; write name: "5"'),
    (11, CONV.format("num_output: -4 kernel_size: 3"), "num_output must not be negative, but is -4"),
    (12, POOL.format("kernel_size: 2 kernel_size: 3"), "kernel_size is given twice (first in line 2); it takes one value"),
    (13, 'net: "x.prototxt"', "a net has no field 'net'; it belongs in the solver's file"),
    (14, 'layers { name: "r" type: RELU bottom: "data" top: "r" }', "both"),
    (15, 'layer { name: "c" type: CONVOLUTION bottom: "data" top: "c" }', 'type wants a string in quotes; write type: "Convolution"'),
    (17, 'layer { name: "r" type: "ReLU" bottom: "data" top: "r" include { phase: TEST } exclude { phase: TRAIN } }', "include"),
    (18, 'layer { name: "r" type: "ReLU" bottom: "dta" top: "r" }', "(did you mean 'data'?)"),
    (19, f'{RELU} layer {{ name: "s" type: "ReLU" bottom: "data" top: "r" }}', "top 'r'"),
    (20, 'layer { name: "r" type: "ReLU" bottom: "late" top: "r" } layer { name: "l" type: "ReLU" bottom: "data" top: "late" }', "'late'"),
    (21, IP.format("ip", 4, "") + IP.format("ip", 4, "").replace('top: "ip"', 'top: "x"'), "another layer with parameters has the same name"),
    (22, 'layer { name: "d" type: "Input" top: "d" include { phase: TRAIN } } layer { name: "r" type: "ReLU" bottom: "d" top: "r" }', "'d'"),
    (23, 'layer { name: "r" type: "ReLU" bottom: "data" bottom: "label" top: "r" }', "takes 1 bottom blob, but the net gives it 2: "),
    (24, 'layer { name: "l" type: "SoftmaxWithLoss" bottom: "data" top: "l" }', "bottom blobs, but the net gives it 1: data"),
    (25, 'layer { name: "r" type: "ReLU" bottom: "data" }', "gives 1 top blob, but the net gives it none"),
    (26, IP.format("ip", 4, "param {} param {} param {}"), "has 3 param entries but only 2 parameter blobs"),
    (27, 'layer { name: "e" type: "Eltwise" bottom: "data" bottom: "data" top: "e" propagate_down: true }', "propagate_down is given 1 times for 2 bottoms"),
    (28, 'layer { name: "r" type: "ReLU" bottom: "data" top: "r" loss_weight: 1 loss_weight: 2 }', "loss_weight is given 2 times for 1 tops"),
    (31, CONV.format("kernel_size: 3"), "num_output"),
    (32, CONV.format("num_output: 4"), "kernel_size"),
    (33, 'layer { name: "c" type: "Convolution" bottom: "data" top: "c" }', "kernel_size is missing"),
    (34, CONV.format("num_output: 4 kernel_size: 11"), "8×8"),
    (36, CONV.format("num_output: 4 kernel_size: 3 group: 2"), "group"),
    (37, CONV.format("num_output: 4 kernel_size: 3 group: 3"), "group"),
    (38, CONV.format("num_output: 4 kernel_size: 3 kernel_h: 3 kernel_w: 3"), "kernel_h"),
    (39, POOL.format("pool: MAX"), "kernel_size"),
    (40, POOL.format("kernel_size: 2 pad: 2"), "pad"),
    (41, POOL.format("kernel_size: 11"), "the kernel is 11 high, but bottom 'data' only 8"),
    (42, POOL.format("pool: AVE kernel_size: 1 stride: 2").replace("data", "odd"), "window"),
    (44, POOL.format("global_pooling: true kernel_size: 2"), "global_pooling"),
    (46, 'layer { name: "n" type: "LRN" bottom: "data" top: "n" lrn_param { local_size: 4 } }', "local_size"),
    (47, IP.format("ip", 0, "").replace("num_output: 0", ""), "num_output"),
    (48, IP.format("ip", 4, "").replace("num_output: 4", "num_output: 4 axis: 7"), "axis: 7 is out of range"),
    (49, IP.format("ip", 4, "").replace("num_output: 4", 'num_output: 4 weight_filler { type: "xaiver" }'), "unknown filler type 'xaiver' (did you mean 'xavier'?)"),
    (50, 'layer { name: "e" type: "Eltwise" bottom: "data" bottom: "label" top: "e" }', "2×3×8×8"),
    (51, 'layer { name: "e" type: "Eltwise" bottom: "data" bottom: "data" top: "e" eltwise_param { coeff: 1 } }', "coeff"),
    (53, 'layer { name: "k" type: "Concat" bottom: "data" bottom: "label" top: "k" }', "2×3×8×8"),
    (54, 'layer { name: "s" type: "Reshape" bottom: "data" top: "s" reshape_param { shape { dim: 2 dim: 100 } } }', "384"),
    (55, 'layer { name: "s" type: "Reshape" bottom: "data" top: "s" reshape_param { shape { dim: -1 dim: -1 } } }', "-1"),
    (56, 'layer { name: "s" type: "Slice" bottom: "data" top: "a" top: "b" slice_param { slice_point: 5 } }', "slice_point"),
    (57, 'layer { name: "s" type: "Slice" bottom: "data" top: "a" top: "b" }', "3"),
    (58, 'layer { name: "s" type: "Crop" bottom: "data" bottom: "data" top: "a" crop_param { offset: 4 } }', "offset"),
    (59, 'layer { name: "l" type: "SoftmaxWithLoss" bottom: "data" bottom: "label" top: "l" }', "label"),
    (63, 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 3 dim: 4 } } } layer { name: "l" type: "EuclideanLoss" bottom: "x" bottom: "data" top: "l" }', "2×3×8×8"),
    (64, 'layer { name: "b" type: "BatchNorm" bottom: "data" top: "b" param { lr_mult: 1 } }', "lr_mult"),
    (65, 'layer { name: "b" type: "BatchNorm" bottom: "label" top: "b" }', "axis"),
    (66, 'layer { name: "f" type: "Flatten" bottom: "data" top: "data" }', "cannot work in place"),
    (67, CONV.format("num_output: 3 kernel_size: 3 pad: 1").replace('top: "c"', 'top: "data"'), "cannot work in place"),
    (68, POOL.format("kernel_size: 2").replace('top: "p"', 'top: "data"'), "cannot work in place"),
    (69, 'layer { name: "a" type: "AbsVal" bottom: "data" top: "data" }', "cannot work in place"),
    (70, IP.format("a", 4, 'param { name: "w" }') + IP.format("b", 5, 'param { name: "w" }'), "parameter 0 is shared as 'w', so it must have the shape of"),
    (71, IP.format("a", 4, 'param { name: "w" lr_mult: 1 }') + IP.format("b", 4, 'param { name: "w" lr_mult: 2 }'), "shared parameter 'w' has lr_mult 2 here, but 1 in layer 'a' (InnerProduct), net.prototxt:2"),
    (72, 'layer { name: "y" type: "Python" bottom: "data" top: "y" python_param { module: "nope" layer: "L" } }', "nope"),
    (73, 'layer { name: "c" type: "Clip" bottom: "data" top: "c" }', "clip_param"),
    (74, 'layer { name: "t" type: "Tile" bottom: "data" top: "t" }', "tiles"),
    (75, 'layer { name: "i" type: "Input" top: "x" } layer { name: "r" type: "InnerProduct" bottom: "x" top: "r" inner_product_param { num_output: 2 } }', "shape"),
    (77, 'layer { name: "d" type: "Data" top: "d" data_param { source: "no_lmdb" batch_size: 1 backend: LMDB } }', "no_lmdb"),
    (79, 'layer { name: "d" type: "Data" top: "d" data_param { source: "no_lmdb" backend: LMDB } }', "batch_size"),
    (90, 'layer { name: "h" type: "HDF5Data" top: "d" hdf5_data_param { source: "nope.txt" batch_size: 1 } }', "nope.txt"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "line", "said"), MISTAKES, ids=[str(number) for number, _, _ in MISTAKES])
def test_mistake(number, line, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    odd = ' layer { name: "odd" type: "Input" top: "odd" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 4 } } }'
    (tmp_path / "net.prototxt").write_text(f"{INPUT}{odd if number == 42 else ''}\n{line}\n")
    with pytest.raises(CafpyError) as error:
        Net(read_net("net.prototxt"), pb.TEST)
    text = str(error.value)
    assert said in text
    assert re.search(r"\bnet\.prototxt:2\b", text), text


def test_16_an_empty_net():
    with pytest.raises(CafpyError, match="has no layer; is this a net's prototxt"):
        Net(pb.NetParameter())
