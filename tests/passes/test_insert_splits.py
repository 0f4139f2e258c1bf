"""Splits and filters of small nets, as Caffe built them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from cafpy.errors import NetError
from cafpy.passes import prepare
from cafpy.passes.insert_splits import insert_splits
from cafpy.proto import cafpy_pb2 as pb

GRAPH = json.loads((Path(__file__).parents[1] / "golden/graph/graph.json").read_text())
RUNS = [
    pytest.param(case["prototxt"], run, id=f"{name}-{run['phase']}-{run['level']}-{'+'.join(run['stages'])}")
    for name, case in GRAPH.items()
    for run in case["runs"]
]


@pytest.mark.parametrize(("text", "run"), RUNS)
def test_layers_as_caffe_builds_them(text: str, run: dict[str, Any]) -> None:
    net = text_format.Parse(text, pb.NetParameter())
    phase = pb.Phase.Value(run["phase"])
    if "error" in run["net"]:
        with pytest.raises(NetError):
            prepare(net, phase, run["level"], run["stages"])
        return
    built = prepare(net, phase, run["level"], run["stages"])
    assert net == text_format.Parse(text, pb.NetParameter()), "the argument was changed"
    wanted = [
        (layer["name"], layer["type"], layer["bottom"], [top for top in layer["top"] if top != "(automatic)"])
        for layer in run["net"]["layer"]
    ]
    assert [(layer.name, layer.type, list(layer.bottom), list(layer.top)) for layer in built.layer] == wanted
    for layer, caffe in zip(built.layer, run["net"]["layer"], strict=True):
        if layer.type == "Split":
            assert list(layer.loss_weight) == caffe.get("loss_weight", [])


def test_only_the_split_carries_the_loss_weight() -> None:
    net = text_format.Parse(
        """layer { name: "d" type: "DummyData" top: "x" top: "y" top: "z" loss_weight: 2 loss_weight: 3 loss_weight: 0 }
        layer { name: "a" type: "ReLU" bottom: "x" top: "a" }
        layer { name: "b" type: "ReLU" bottom: "z" top: "b" }
        layer { name: "c" type: "ReLU" bottom: "z" top: "c" }""",
        pb.NetParameter(),
    )
    data, first, second, a, b, c = insert_splits(net).layer
    assert list(data.loss_weight) == [0, 3, 0]
    assert (first.name, list(first.loss_weight)) == ("x_d_0_split", [2, 0])
    assert (second.name, list(second.loss_weight)) == ("z_d_2_split", [])
    assert [list(layer.bottom) for layer in (a, b, c)] == [["x_d_0_split_1"], ["z_d_2_split_0"], ["z_d_2_split_1"]]


def test_split_stands_where_its_producer_stands(read_net: Callable[[str], pb.NetParameter]) -> None:
    net = read_net(
        'layer { name: "d" type: "DummyData" top: "x" }\nlayer { name: "r" type: "ReLU" bottom: "x" top: "x" }\n'
        'layer { name: "e" type: "Eltwise" bottom: "x" bottom: "x" top: "e" }'
    )
    lines = [(layer.name, layer.defined_at) for layer in insert_splits(net).layer]
    assert lines[2] == ("x_r_0_split", "net.prototxt:2")


def test_splitting_twice_changes_nothing() -> None:
    for case in GRAPH.values():
        net = text_format.Parse(case["prototxt"], pb.NetParameter())
        if "error" not in case["runs"][0]["net"]:
            built = prepare(net, pb.TRAIN)
            assert insert_splits(built) == built
