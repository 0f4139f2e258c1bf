from __future__ import annotations

from collections.abc import Callable

import pytest
from google.protobuf import text_format

from cafpy.errors import NetError
from cafpy.passes.filter_by_state import blobs_left_out, filter_by_state
from cafpy.passes.net_state import state_in_solver, state_of_net
from cafpy.proto import cafpy_pb2 as pb

Read = Callable[[str], pb.NetParameter]


@pytest.mark.parametrize(
    ("rules", "state", "kept"),
    [
        ("", "phase: TRAIN", True),
        ("include { }", "phase: TRAIN", True),
        ("exclude { }", "phase: TRAIN", False),
        ("include { phase: TEST }", "", True),  # phase TEST and level 0 are the defaults of a state
        ("include { min_level: 0 max_level: 0 }", "", True),
        ("include { phase: TEST stage: 'a' }", "phase: TEST stage: 'b'", False),
        ("include { stage: 'a' not_stage: 'b' }", "stage: 'b' stage: 'a'", False),
        ("include { min_level: 1 } include { stage: 'a' }", "stage: 'a'", True),
        ("exclude { min_level: 1 } exclude { stage: 'a' }", "stage: 'a'", False),
        ("exclude { max_level: -1 }", "level: -1", False),
    ],
)
def test_rules(rules: str, state: str, kept: bool) -> None:
    text = f'name: "n" force_backward: true state {{ {state} }} layer {{ name: "r" {rules} }}'
    net = text_format.Parse(text, pb.NetParameter())
    filtered = filter_by_state(net)
    assert [layer.name for layer in filtered.layer] == (["r"] if kept else [])
    assert (filtered.name, filtered.force_backward, filtered.state) == ("n", True, net.state)
    assert net == text_format.Parse(text, pb.NetParameter())


def test_include_and_exclude_in_one_layer(read_net: Read) -> None:
    net = read_net(
        'layer { name: "a" type: "ReLU" include { phase: TEST } exclude { stage: "x" } }\n'
        'layer { name: "b" type: "ReLU" include { phase: TEST } }\n'
        'layer { name: "c" type: "TanH" include { } exclude { } }'
    )
    with pytest.raises(NetError) as error:
        filter_by_state(net)
    assert str(error.value) == (
        "layer 'a' (ReLU), net.prototxt:1: has include and exclude rules; give it one kind of them\n"
        "layer 'c' (TanH), net.prototxt:3: has include and exclude rules; give it one kind of them"
    )


def test_what_was_left_out_and_why(read_net: Read) -> None:
    net = read_net(
        'state { phase: TEST level: 2 stage: "a" stage: "b" }\n'
        'layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TRAIN } include { stage: "c" } }\n'
        'layer { name: "e" type: "Data" top: "data" exclude { min_level: 1 } }\n'
        'layer { name: "f" type: "Data" top: "kept" }'
    )
    state = "who makes it is left out of a net with phase TEST, level 2, stage 'a', 'b'"
    first = """layer 'd' (Data), net.prototxt:2 (include { phase: TRAIN } include { stage: "c" })"""
    second = "layer 'e' (Data), net.prototxt:3 (exclude { min_level: 1 })"
    assert blobs_left_out(net) == {"data": f"{state}: {first}, {second}", "label": f"{state}: {first}"}


def test_state_of_a_net_on_its_own_and_in_a_solver() -> None:
    net = text_format.Parse('state { phase: TRAIN level: 5 stage: "a" }', pb.NetParameter())
    assert state_of_net(net, pb.TEST, 0, ["b"]) == pb.NetState(phase=pb.TEST, level=0, stage=["a", "b"])
    assert state_in_solver(net, pb.TEST) == pb.NetState(phase=pb.TRAIN, level=5, stage=["a"])
    test_state = pb.NetState(level=1, stage=["b"])
    assert state_in_solver(net, pb.TEST, test_state) == pb.NetState(phase=pb.TRAIN, level=1, stage=["a", "b"])
    assert state_in_solver(pb.NetParameter(), pb.TRAIN) == pb.NetState(phase=pb.TRAIN)
    assert net.state == pb.NetState(phase=pb.TRAIN, level=5, stage=["a"])
