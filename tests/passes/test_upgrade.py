"""Upgrades against what Caffe's upgrade_net_proto_text and upgrade_net_proto_binary made of the same files."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf import text_format

from cafpy.errors import NetError
from cafpy.passes import prepare
from cafpy.passes.upgrade import upgrade_net
from cafpy.proto import cafpy_pb2 as pb

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / "tests/golden/upgrade", ROOT.parent / "shared/golden/upgrade"]
Read = Callable[[str], pb.NetParameter]


def golden_files(pattern: str) -> list[Path]:
    """The files of the repository's own part first, then those that only the full set has."""
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        for path in sorted(folder.glob(pattern)):
            found.setdefault(path.name, path)
    return list(found.values())


def parse(path: Path) -> pb.NetParameter:
    return text_format.Parse(path.read_text(), pb.NetParameter())


def same(a: pb.NetParameter, b: pb.NetParameter) -> bool:
    """Equal field by field, NaN being equal to NaN."""
    return a.SerializeToString(deterministic=True) == b.SerializeToString(deterministic=True)


TEXTS = [p for p in golden_files("*.in.prototxt") if not p.name.startswith("solver_")]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name.removesuffix(".in.prototxt"))
def test_text_becomes_what_caffe_made_of_it(path: Path) -> None:
    before = parse(path)
    given = pb.NetParameter()
    given.CopyFrom(before)
    wanted = path.with_name(path.name.replace(".in.", ".out."))
    if not wanted.exists():  # Caffe aborts
        with pytest.raises(NetError):
            upgrade_net(given)
        return
    upgraded, notes = upgrade_net(given)
    assert text_format.MessageToString(upgraded) == text_format.MessageToString(parse(wanted))
    assert same(given, before), "the argument was changed"
    log = json.loads((path.parent / "cases.json").read_text())[path.name.removesuffix(".in.prototxt")]["log"]
    if any("already in latest proto format" in line for line in log):
        assert upgraded is given and notes == []
    if any(line.startswith("W ") for line in log):
        assert notes
    again, notes = upgrade_net(upgraded)
    assert again is upgraded and notes == []


@pytest.mark.parametrize("path", golden_files("binary_*.in.caffemodel"), ids=lambda path: path.name)
def test_binary_model_keeps_its_blobs(path: Path) -> None:
    upgraded, _ = upgrade_net(pb.NetParameter.FromString(path.read_bytes()))
    wanted = pb.NetParameter.FromString(path.with_name(path.name.replace(".in.", ".out.")).read_bytes())
    assert any(layer.blobs for layer in wanted.layer)
    assert same(upgraded, wanted)


@pytest.mark.parametrize("path", golden_files("legacy_shapes.caffemodel"), ids=lambda path: path.name)
def test_model_with_4d_blobs_keeps_their_numbers(path: Path) -> None:
    upgraded, _ = upgrade_net(pb.NetParameter.FromString(path.read_bytes()))
    wanted = json.loads(path.with_suffix(".json").read_text())["params"]
    got = {layer.name: [list(blob.data) for blob in layer.blobs] for layer in upgraded.layer if layer.blobs}
    assert got == {name: [blob["data"] for blob in blobs] for name, blobs in wanted.items()}


# The values with which v0_fields.tsv was made.
V0_VALUES = """num_output: 7 | biasterm: false | weight_filler { type: "gaussian" std: 0.02 }
 | bias_filler { type: "constant" value: 0.5 } | pad: 2 | kernelsize: 5 | group: 2 | stride: 3 | pool: AVE
 | dropout_ratio: 0.3 | local_size: 3 | alpha: 0.7 | beta: 0.6 | k: 2.5 | source: "src" | scale: 0.125
 | meanfile: "mean.bp" | batchsize: 11 | cropsize: 13 | mirror: true | rand_skip: 4 | shuffle_images: true
 | new_height: 21 | new_width: 22 | concat_dim: 0 | det_fg_threshold: 0.6 | det_bg_threshold: 0.4
 | det_fg_fraction: 0.3 | det_context_pad: 6 | det_crop_mode: "square" | hdf5_output_param { file_name: "o.h5" }"""
V0_TEXT = {text.replace(":", " ").split()[0]: text.strip() for text in V0_VALUES.split("|")}


def v0_rows() -> list[tuple[str, ...]]:
    rows: dict[tuple[str, ...], None] = {}
    for folder in FOLDERS:
        if (folder / "v0_fields.tsv").exists():
            lines = (folder / "v0_fields.tsv").read_text().splitlines()[1:]
            rows.update(dict.fromkeys(tuple(line.split("\t")) for line in lines))
    return list(rows)


def test_every_v0_field_of_every_v0_type() -> None:
    rows = v0_rows()
    assert len(rows) >= 73
    for v0_type, v0_field, new_type, error, result in rows:
        layer = f'layers {{ layer {{ name: "L" type: "{v0_type}" {V0_TEXT[v0_field]} }} bottom: "x" top: "y" }}'
        wanted = f'layer {{ name: "L" type: "{new_type}" bottom: "x" top: "y" {result} }}'
        upgraded, notes = upgrade_net(text_format.Parse(layer, pb.NetParameter()))
        assert upgraded == text_format.Parse(wanted, pb.NetParameter()), (v0_type, v0_field)
        ignored = [f"layer 'L' ({v0_type}): a V0 layer of this type has no {v0_field}; ignored"] if error else []
        assert notes[1:] == ignored


def test_lines_are_carried_through_all_formats(read_net: Read) -> None:
    v0, _ = upgrade_net(read_net('layers { layer { name: "p" type: "padding" pad: 1 } bottom: "d" top: "p" }\n'
                                 'layers { layer { name: "c" type: "conv" } bottom: "p" top: "c" }'))  # fmt: skip
    assert [layer.defined_at for layer in v0.layer] == ["net.prototxt:2"]
    v1, _ = upgrade_net(read_net('name: "n"\nlayers { name: "r" type: RELU bottom: "d" top: "r" }'))
    assert [layer.defined_at for layer in v1.layer] == ["net.prototxt:2"]


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ('layers { layer { name: "r" type: "relu" num_output: 3 kernelsize: 2 } bottom: "data" top: "r" }',
         ["net.prototxt: the layers are in the V0 format, upgraded in memory",
          "layer 'r' (relu), net.prototxt:1: a V0 layer of this type has no num_output, kernelsize; ignored"]),
        ('layers { layer { name: "r" type: "relu" } bottom: "data" top: "r" }\n'
         'layers { name: "s" type: TANH bottom: "r" top: "s" }',
         ["net.prototxt: the layers are in the V0 format, upgraded in memory",
          "layer 's' (TANH), net.prototxt:2: a V1 layer in a V0 net; Caffe ignores its name, type, and so does cafpy"]),
        ('layers { name: "d" type: DATA top: "d" data_param { scale: 2 mirror: true } }',
         ["net.prototxt: the layers are in the V1 format, upgraded in memory",
          "layer 'd' (DATA), net.prototxt:1: scale, mirror moved from data_param to transform_param"]),
        ('input: "a" input: "b" input_shape { dim: 2 } input_shape { dim: 3 }\n'
         'layer { name: "s" type: "Silence" bottom: "a" bottom: "b" }',
         ["net.prototxt: the input fields ('a', 'b') became an Input layer"]),
        ('input: "a" input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4 input_dim: 5',
         ["the input fields ('a') became an Input layer", "1 input_dim too many for 1 input(s); the first 4 count"]),
        ('input: "a"\nlayer { name: "s" type: "Silence" bottom: "a" }',
         ["net.prototxt: input 'a' has neither input_shape nor input_dim; it makes no blob"]),
        ('layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" param { } param { lr_mult: 0 } param { } }',
         ["layer 'bn' (BatchNorm), net.prototxt:1: the statistics of a BatchNorm layer are not learned; "
          "lr_mult set to 0"]),
        ('layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" '
         'param { lr_mult: 0 } param { lr_mult: 0 } param { lr_mult: 0 } }', []),
    ],
)  # fmt: skip
def test_notes(read_net: Read, text: str, notes: list[str]) -> None:
    assert upgrade_net(read_net(text))[1] == notes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('layer { name: "r" type: "ReLU" bottom: "x" top: "y" }\nlayers { name: "q" type: RELU bottom: "y" top: "z" }',
         "the net has both 'layer' (today's format: layer 'r' (ReLU), net.prototxt:1) and 'layers' (the V1 format: "
         "layer 'q' (RELU), net.prototxt:2); write every layer as `layer { type: \"ReLU\" ... }`"),
        ('layers { layer { name: "p" type: "wibble" } bottom: "data" top: "p" }\n'
         'layers { layer { name: "q" type: "convv" } bottom: "data" top: "q" }',
         "layer 'p' (wibble), net.prototxt:1: 'wibble' is no V0 layer type\n"
         "layer 'q' (convv), net.prototxt:2: 'convv' is no V0 layer type (did you mean 'conv'?)"),
        ('layers { layer { name: "p" type: "padding" pad: 1 } bottom: "a" bottom: "b" top: "p" }\n'
         'layers { layer { name: "c" type: "conv" } bottom: "p" top: "c" }\n'
         'layers { layer { name: "q" type: "padding" pad: 1 } bottom: "c" top: "q" }\n'
         'layers { layer { name: "r" type: "relu" } bottom: "q" top: "r" }',
         "layer 'p' (padding), net.prototxt:1: a padding layer has one bottom and one top; this one has 2 and 1\n"
         "layer 'r' (relu), net.prototxt:4: reads layer 'q' (padding), net.prototxt:3, but only a conv or pool layer "
         "with this one bottom can take the padding over; it has type 'relu' and 1 bottom(s)"),
        ('layers { layer { name: "p" type: "padding" pad: 1 } bottom: "a" top: "p" }\n'
         'layers { layer { name: "c" type: "conv" } bottom: "p" bottom: "b" top: "c" top: "e" }',
         "layer 'c' (conv), net.prototxt:2: reads layer 'p' (padding), net.prototxt:1, but only a conv or pool layer "
         "with this one bottom can take the padding over; it has type 'conv' and 2 bottom(s)"),
        ('input: "a" input: "b" input_shape { dim: 2 }\nlayer { name: "s" type: "Silence" bottom: "a" }',
         "net.prototxt: 2 inputs need 2 input_shape, one each; got 1"),
        ('input: "a" input_dim: 1 input_dim: 3 input_dim: 8\nlayer { name: "s" type: "Silence" bottom: "a" }',
         "net.prototxt: 1 input(s) need 4 input_dim (num, channels, height, width of each); got 3: 1, 3, 8. "
         "For other numbers of axes write input_shape { dim: ... }"),
    ],
)  # fmt: skip
def test_refusals(read_net: Read, text: str, message: str) -> None:
    with pytest.raises(NetError) as error:
        upgrade_net(read_net(text))
    assert str(error.value) == message


def test_v0_net_keeps_what_stands_beside_its_layers() -> None:
    text = 'name: "n" debug_info: true force_backward: false state { level: 2 } layers { layer { type: "relu" } }'
    upgraded, _ = upgrade_net(text_format.Parse(text, pb.NetParameter()))
    assert upgraded.name == "n" and upgraded.debug_info and upgraded.state.level == 2
    assert upgraded.HasField("force_backward") and not upgraded.force_backward


def test_prepare_logs_the_notes(read_net: Read, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="cafpy.passes"):
        prepare(read_net('layers { name: "d" type: DUMMY_DATA top: "d" }'), pb.TEST)
    assert caplog.messages == ["net.prototxt: the layers are in the V1 format, upgraded in memory"]
