"""Public nets, upgraded, filtered and split as Caffe does, in both phases."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from cafpy.errors import NetError
from cafpy.passes import prepare, prepare_in_state
from cafpy.passes.net_state import state_in_solver
from cafpy.passes.upgrade import upgrade_net
from cafpy.proto import cafpy_pb2 as pb

SHARED = Path(__file__).parents[3] / "shared"
NETS = sorted((SHARED / "golden/nets").glob("*.json"))


def read_as_measured(facts: dict[str, Any]) -> pb.NetParameter:
    """The net with its data layers replaced by Input layers, as it was given to Caffe."""
    text = (SHARED / facts["ref"]["material"]).read_text()
    net, _ = upgrade_net(text_format.Parse(text, pb.NetParameter()))
    for data in facts.get("substituted", []):
        layer = net.layer[data["layer"]]
        assert (layer.name, layer.type, list(layer.top)) == (data["name"], data["type"], data["top"])
        rules = {"include": list(layer.include), "exclude": list(layer.exclude)}
        shapes = [pb.BlobShape(dim=shape) for shape in data["shape"]]
        new = pb.LayerParameter(
            name=layer.name, type="Input", top=layer.top, input_param=pb.InputParameter(shape=shapes), **rules
        )
        layer.CopyFrom(new)
    return net


def check_build(net: pb.NetParameter, phase: str, stages: list[str], wanted: dict[str, Any]) -> None:
    missing = re.search(r"Unknown bottom blob '(.*)' \(layer '(.*)', bottom index", wanted.get("error", ""))
    if missing:
        with pytest.raises(NetError) as error:
            prepare(net, pb.Phase.Value(phase), 0, stages)
        first = str(error.value).splitlines()[0]
        assert first.startswith(f"layer '{missing[2]}' (")
        assert f"bottom '{missing[1]}' is produced by no layer before it" in first
        return
    built = prepare(net, pb.Phase.Value(phase), 0, stages)
    if "error" in wanted:  # a layer's refusal, after this stage
        return
    got = [(layer.name, layer.type, list(layer.bottom), list(layer.top)) for layer in built.layer]
    assert got == [
        (layer["name"], layer["type"], layer["bottom"], [top for top in layer["top"] if top != "(automatic)"])
        for layer in wanted["layer"]
    ]


@pytest.mark.skipif(not NETS, reason="the full golden data (shared/golden/nets beside the repository) is not here")
@pytest.mark.parametrize("path", NETS, ids=lambda path: path.stem)
def test_public_net(path: Path) -> None:
    facts = json.loads(path.read_text())
    net = read_as_measured(facts)
    for key, wanted in facts.items():
        if key.split()[0] in {"TRAIN", "TEST"}:
            phase, _, stage = key.partition(" stage ")
            check_build(net, phase, [stage] if stage else [], facts["TEST"] if wanted == "same" else wanted)


def test_states() -> None:
    net = text_format.Parse(
        """state { phase: TRAIN stage: "a" }
        layer { name: "train" type: "DummyData" top: "t" include { phase: TRAIN stage: "a" } }
        layer { name: "test" type: "DummyData" top: "t" include { phase: TEST min_level: 1 stage: "a" stage: "b" } }""",
        pb.NetParameter(),
    )
    assert [layer.name for layer in prepare(net, pb.TRAIN).layer] == ["train"]
    built = prepare(net, pb.TEST, 1, ["b"])
    assert [layer.name for layer in built.layer] == ["test"]
    assert built.state == pb.NetState(phase=pb.TEST, level=1, stage=["a", "b"])
    assert [layer.name for layer in prepare_in_state(net, state_in_solver(net, pb.TEST)).layer] == ["train"]
    test_state = pb.NetState(phase=pb.TEST, level=2, stage=["b"])
    assert [layer.name for layer in prepare_in_state(net, state_in_solver(net, pb.TEST, test_state)).layer] == ["test"]
    assert net.state == pb.NetState(phase=pb.TRAIN, stage=["a"])
