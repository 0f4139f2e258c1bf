"""The prototxt reader takes what protobuf's own takes, and gives the same message."""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from cafpy.errors import PrototxtError
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.describe import place_of
from cafpy.proto.lexer import Source
from cafpy.proto.text import parse, read_net, read_solver
from cafpy.proto.writer import to_text

ROOT = Path(__file__).parents[2]


def without_places(message: Any) -> Any:
    """The message without the lines that the reader notes in solvers and layers."""
    nets = [message]
    if isinstance(message, pb.SolverParameter):
        message.ClearField("defined_at")
        nets = [message.net_param, message.train_net_param, *message.test_net_param]
        nets = [net for net in nets if net.ListFields()]
    for net in nets:
        for layer in (*net.layer, *net.layers):
            layer.ClearField("defined_at")
    return message


def same(a: Any, b: Any) -> bool:
    """Equal, NaN being equal to NaN."""
    return a.SerializeToString(deterministic=True) == b.SerializeToString(deterministic=True)


def messages_for(path: Path) -> type:
    return pb.SolverParameter if "solver" in path.name else pb.NetParameter


SYNTAX = [
    'name: "n" # a comment\n# another\nlayer { name: "a" }',
    "",
    "# only a comment",
    'layer < name: "a" >',
    'layer: { name: "a" } layer: < name: "b" >',
    'layer { name: "a" input_param: < shape { dim: 1 } > }',
    'layer { name: "a", type: "T"; bottom: "x"; } ; layer { name: "b" },',
    'layer [ { name: "a" }, < name: "b" > ]',
    'layer: [ { name: "a" } ]',
    "layer: []",
    'input: ["a", "b"] input_dim: [1, 2, 3] input_dim: 4 input_dim: []',
    """name: 'single' " and " 'adjacent' "strings" """,
    r"""name: "\a\b\f\n\r\t\v\\\'\" \x41 \x4 \101 \1 \303\251" """,
    """name: "it's" input: 'say "hi"'""",
    'name: "ä 名"',
    'name: "# no comment { ["',
    "input_dim: 0x1F input_dim: -0x1f input_dim: 017 input_dim: -017 input_dim: 0 input_dim: -2147483648",
    "layer { loss_weight: 1 loss_weight: 1. loss_weight: .5 loss_weight: 1e3 loss_weight: 1.5E-3 loss_weight: -2e+1 }",
    "layer { loss_weight: 1.5f loss_weight: 2f loss_weight: -1.f loss_weight: 3e2f }",
    "layer { loss_weight: inf loss_weight: -inf loss_weight: Infinity loss_weight: nan loss_weight: inff }",
    "layer { loss_weight: 1e39 loss_weight: 1e-60 loss_weight: 123456789123456789 }",
    "layer { propagate_down: [true, True, t, 1, false, False, f, 0] }",
    "layer { phase: TEST } layer { phase: 1 } layer { phase: 0 }",
    "layers { type: CONVOLUTION } layers { type: 4 blob_share_mode: [STRICT, 1] }",
    "state { } layer { relu_param {} }",
    "layer{name:'a'relu_param{negative_slope:1}phase:TEST}",
    "layers { layer { name: 'v0' type: 'conv' num_output: 3 } bottom: 'x' }",
    'name: "a"\r\nlayer {\r\n name: "b"\r\n}\r\n',
]


@pytest.mark.parametrize("text", SYNTAX)
def test_syntax(text: str) -> None:
    assert same(without_places(parse(text, pb.NetParameter())), text_format.Parse(text, pb.NetParameter()))


def test_what_only_caffes_protobuf_reads() -> None:
    assert parse("value: 2F", pb.FillerParameter()).value == 2
    assert parse(r"name: '\u00e9\U0001F600\?'", pb.NetParameter()).name == "é😀?"


def test_a_solver_knows_its_lines() -> None:
    text = 'net: "a"\ntest_net: "b" test_net: "c"\nweights: ["d",\n"e"]\ntest_net_param { name: "no place" }'
    solver = parse(text, pb.SolverParameter(), "s.prototxt")
    places = [
        place_of(solver, "net"),
        *(place_of(solver, field, i) for field in ("test_net", "weights") for i in (0, 1)),
    ]
    assert places == [f"s.prototxt:{line}: " for line in (1, 2, 2, 3, 4)]
    assert place_of(solver, "base_lr") == place_of(solver, "weights", 2) == place_of(pb.SolverParameter(), "net") == ""
    assert "defined_at" not in to_text(solver)


def test_numbers_of_every_width() -> None:
    solver = parse("random_seed: 9223372036854775807 delta: 0.1", pb.SolverParameter())
    assert solver.random_seed == 2**63 - 1
    assert solver.delta == pytest.approx(0.1)
    assert parse(r'data: "\377\0a"', pb.Datum()).data == b"\xff\x00a"
    assert parse("num_output: 4294967295", pb.ConvolutionParameter()).num_output == 2**32 - 1
    assert isnan(parse("value: -nan", pb.FillerParameter()).value)


def test_every_layer_knows_its_line(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text('name: "n"\n\nlayer { name: "a" }  layer {\n  name: "b"\n}\nlayers { layer { name: "c" } }\n')
    net = read_net(path)
    assert [layer.defined_at for layer in net.layer] == [f"{path}:3", f"{path}:3"]
    assert [layer.defined_at for layer in net.layers] == [f"{path}:6"]
    path.write_text('net_param {\n  layer { name: "a" }\n}')
    assert read_solver(str(path)).net_param.layer[0].defined_at == f"{path}:2"


def test_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text('name: "n"', encoding="utf-8-sig")
    assert read_net(path).name == "n"


def test_bytes_that_are_not_utf8_may_stand_in_comments(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_bytes('# Größe\nname: "n"\n'.encode("latin-1"))
    assert read_net(path).name == "n"


# -- whole files ---------------------------------------------------------------------------------------------------


def text_formats_verdict(text: str, kind: type) -> tuple[Any, int]:
    """The message that protobuf's own reader makes of the text, or None and the line of its complaint."""
    try:
        return text_format.Parse(text, kind()), 0
    except text_format.ParseError as error:
        place = re.match(r"(\d+):", str(error))
        return None, int(place[1]) if place else 0


def check_against_text_format(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    kind = messages_for(path)
    wanted, line = text_formats_verdict(text, kind)
    if wanted is None:
        with pytest.raises(PrototxtError, match=re.escape(f"{path.name}:{line}:")):
            parse(text, kind(), path.name)
    else:
        assert same(without_places(parse(text, kind(), path.name)), wanted), path


def own_files() -> Iterator[Path]:
    yield from sorted((ROOT / "models").glob("*/*.prototxt"))
    yield from sorted((ROOT / "tests" / "golden" / "upgrade").glob("*.prototxt"))


def uses_blocks(path: Path) -> bool:
    return re.search(r"^(block|use) ", path.read_text(encoding="utf-8"), re.M) is not None


def test_files_of_this_repository() -> None:
    files = [path for path in own_files() if not uses_blocks(path)]
    assert len(files) > 50
    for path in files:
        check_against_text_format(path)


def test_files_from_public_repositories(shared: Path) -> None:
    files = sorted((shared / "prototxt").glob("*/*.prototxt"))
    assert len(files) > 200
    for path in files:
        check_against_text_format(path)


FORKS_FIELDS = {
    "BVLC/caffe": {"transform_param"},  # inside data_param, for some weeks of 2014
    "LisaAnne/lisa-caffe-public": {"flow", "min_height", "min_width", "stepearly"},
    "chuanqi305/MobileNet-SSD": {"item", "ap_version", "eval_type"},
}


def test_all_public_files_are_read_but_for_fields_of_forks(shared: Path) -> None:
    lines = (shared / "prototxt" / "INDEX.tsv").read_text().splitlines()
    unknown: dict[str, set[str]] = {}
    for row in csv.DictReader(lines, delimiter="\t"):
        path = shared / "prototxt" / row["file"]
        try:
            (read_solver if row["kind"] == "solver" else read_net)(path)
        except PrototxtError as error:
            problems = [line for line in str(error).splitlines() if line.startswith(f"{path}:")]
            if "template" not in path.name:  # those have words in the place of numbers
                assert all("has no field" in problem for problem in problems), error
            if row["types"] == "stock":
                found = re.findall(r"has no field '(\w+)'", str(error))
                unknown.setdefault(row["repository"], set()).update(found)
    assert unknown == FORKS_FIELDS


# -- random damage -------------------------------------------------------------------------------------------------

SNIPPETS = [
    *'{}<>[]:,;-=$“\\"',
    '"x"',
    "'y'",
    "5",
    "-3",
    "0x1f",
    "017",
    "08",
    "1.5f",
    ".5",
    "5.",
    "inf",
    "nan",
    "t",
    "true",
]
SNIPPETS += ["layer", "name", "top", "MAX", "#c\n", "layer {", "kernel_size: 3", "convolution_param {"]


def damaged(text: str, dice: random.Random) -> str:
    for _ in range(dice.randint(1, 3)):
        token = dice.choice(Source(text, "").tokens)
        before, behind = text[: token.start], text[token.start + len(token.text) :]
        what = dice.choice(["left out", "put before", "put instead", "doubled"])
        snippet = dice.choice(SNIPPETS)
        text = {
            "left out": before + behind,
            "put before": f"{before} {snippet} {token.text}{behind}",
            "put instead": before + snippet + behind,
            "doubled": f"{before}{token.text} {token.text}{behind}",
        }[what]
    return text


@pytest.mark.parametrize("name", ["v2_syntax", "v1_specs", "v0_padding", "v1_blobs"])
def test_damaged_files_are_refused_where_protobuf_refuses_them(name: str) -> None:
    """And nothing but PrototxtError is ever raised."""
    original = (ROOT / "tests" / "golden" / "upgrade" / f"{name}.in.prototxt").read_text()
    dice = random.Random(name)
    verdicts = {True: 0, False: 0}
    for _ in range(300):
        text = damaged(original, dice)
        wanted, _ = text_formats_verdict(text, pb.NetParameter)
        try:
            came = without_places(parse(text, pb.NetParameter()))
        except PrototxtError as error:
            assert str(error).startswith("<text>:")
            came = None
        assert (came is None) == (wanted is None), text
        assert came is None or same(came, wanted), text
        verdicts[came is None] += 1
    assert min(verdicts.values()) > 0
