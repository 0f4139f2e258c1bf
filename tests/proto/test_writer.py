"""Prototxt as Caffe's tools write it, letter by letter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format

from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.proto.writer import to_text

HERE = Path(__file__).parents[1] / "golden" / "upgrade"


def check_written_by_caffe(folder: Path) -> int:
    files = sorted(folder.glob("*.out.prototxt"))
    for path in files:
        kind = pb.SolverParameter if path.name.startswith("solver_") else pb.NetParameter
        text = path.read_text()
        assert to_text(parse(text, kind(), path.name)) == text, path
    return len(files)


def test_what_caffe_wrote_is_written_again() -> None:
    assert check_written_by_caffe(HERE) > 30


def test_what_caffe_wrote_is_written_again_in_all_recorded_cases(golden: Path) -> None:
    assert check_written_by_caffe(golden / "upgrade") > 30


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (1, "1"),
        (-0.0, "-0"),
        (1e6, "1e+06"),
        (123456, "123456"),
        (1234567, "1234567"),
        (16777217, "16777216"),
        (1 / 3, "0.333333343"),
        (1e-8, "1e-08"),
        (3.4028234663852886e38, "3.40282347e+38"),
        (1e-45, "1.4013e-45"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (float("nan"), "nan"),
    ],
)
def test_floats(value: float, text: str) -> None:
    assert to_text(pb.FillerParameter(value=value)) == f"value: {text}\n"


def test_every_float_comes_back() -> None:
    values = np.random.default_rng(0).integers(0, 2**32, 5000, dtype=np.uint64).astype(np.uint32).view(np.float32)
    values = values[np.isfinite(values)]
    layer = pb.LayerParameter(loss_weight=values)
    assert list(parse(to_text(layer), pb.LayerParameter()).loss_weight) == list(layer.loss_weight)
    blob = pb.BlobProto(double_data=[0.1, 1 / 3, 1e300, 5e-324, 123456789.123456789])
    assert to_text(blob).splitlines()[:2] == ["double_data: 0.1", "double_data: 0.33333333333333331"]
    assert parse(to_text(blob), pb.BlobProto()) == blob


def test_strings_and_bytes() -> None:
    name = "quote \" ' back\\slash \n\r\t\x01 é 名"
    text = to_text(pb.NetParameter(name=name))
    assert text == 'name: "quote \\" \\\' back\\\\slash \\n\\r\\t\\001 \\303\\251 \\345\\220\\215"\n'
    assert parse(text, pb.NetParameter()).name == text_format.Parse(text, pb.NetParameter()).name == name
    datum = pb.Datum(data=bytes(range(256)))
    assert parse(to_text(datum), pb.Datum()) == datum


def test_places_of_layers_are_left_out_and_the_message_is_as_it_was() -> None:
    solver = parse('net_param { layer { name: "a" } layers { type: DATA } }', pb.SolverParameter(), "s.prototxt")
    before = solver.SerializeToString()
    assert to_text(solver) == ('net_param {\n  layers {\n    type: DATA\n  }\n  layer {\n    name: "a"\n  }\n}\n')
    assert solver.SerializeToString() == before
    assert solver.net_param.layer[0].defined_at == "s.prototxt:1"


def test_maps_are_written_in_the_order_of_their_keys() -> None:
    position = pb.LayerPosition(layer="data", value={"row": 3, "epoch": -1})
    text = to_text(position)
    assert text == 'layer: "data"\nvalue {\n  key: "epoch"\n  value: -1\n}\nvalue {\n  key: "row"\n  value: 3\n}\n'
    assert text_format.Parse(text, pb.LayerPosition()) == position
