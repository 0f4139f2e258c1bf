"""`cafpy expand`: blocks written out, or the net as built."""

from pathlib import Path

from click.testing import CliRunner
from google.protobuf import text_format

from cafpy.cli import main
from cafpy.proto import cafpy_pb2 as pb

NET = """
name: "small"
block { name: "ip" layer { name: "$n" type: "InnerProduct" bottom: "$bottom" top: "$n" } }
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 } } }
use { block: "ip" n: "ip$i" bottom: "data" repeat: 2 }
layer { name: "loss" type: "EuclideanLoss" bottom: "data" bottom: "ip2" include { phase: TRAIN } }
"""


def expand(path: Path, *options: str) -> pb.NetParameter:
    path.write_text(NET)
    result = CliRunner().invoke(main, ["expand", "--model", str(path), *options])
    assert result.exit_code == 0, result.output
    assert "defined_at" not in result.output
    return text_format.Parse(result.output, pb.NetParameter())


def test_blocks_written_out(tmp_path: Path) -> None:
    net = expand(tmp_path / "net.prototxt")
    assert [layer.name for layer in net.layer] == ["data", "ip1", "ip2", "loss"]
    assert list(net.layer[2].bottom) == ["ip1"]


def test_as_built(tmp_path: Path) -> None:
    names = [layer.name for layer in expand(tmp_path / "net.prototxt", "--phase", "TRAIN").layer]
    assert names == ["data", "data_data_0_split", "ip1", "ip2", "loss"]
    assert [layer.name for layer in expand(tmp_path / "net.prototxt", "--phase", "test").layer] == [
        "data",
        "ip1",
        "ip2",
    ]


def test_level_without_phase(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET)
    result = CliRunner().invoke(main, ["expand", "--model", str(tmp_path / "net.prototxt"), "--level", "1"])
    assert result.exit_code != 0
    assert "give --phase too" in result.output
