"""`cafpy time`: Caffe's lines, which parsers read, and the table of limits behind them."""

import re

from click.testing import CliRunner

from cafpy.cli.commands import cafpy

NET = """
name: "tiny"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 8 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "Reduction" bottom: "ip" top: "loss" loss_weight: 1 }
"""


def run(tmp_path, *options):
    (tmp_path / "net.prototxt").write_text(NET)
    return CliRunner().invoke(cafpy, ["time", "--model", str(tmp_path / "net.prototxt"), "--iterations", "2", *options])


def test_the_log_has_caffes_lines(tmp_path):
    result = run(tmp_path)
    assert result.exit_code == 0, result.output
    for line in (
        r"\*\*\* Benchmark begins \*\*\*",
        r"Testing for 2 iterations\.",
        r"        ip\tforward: [0-9.e-]+ ms\.",
        r"        ip\tbackward: [0-9.e-]+ ms\.",
        r"Average Forward pass: [0-9.e-]+ ms\.",
        r"Average Backward pass: [0-9.e-]+ ms\.",
        r"Average Forward-Backward: [0-9.e-]+ ms\.",
        r"Total Time: [0-9.e-]+ ms\.",
        r"\*\*\* Benchmark ends \*\*\*",
    ):
        assert re.search(line + "$", result.stderr, re.MULTILINE), line
    assert result.stdout == ""


def test_limits_adds_a_table_and_leaves_the_log_as_it_is(tmp_path):
    result = run(tmp_path, "--limits")
    assert result.exit_code == 0, result.output
    assert result.stderr.rstrip().endswith("*** Benchmark ends ***")
    first, _, *rows, last = result.stdout.splitlines()
    assert first.startswith("Limits of this machine: sgemm")
    assert any(row.split()[:2] == ["ip", "InnerProduct"] for row in rows)
    assert last.startswith("all layers:")


def test_phase_and_loss(tmp_path):
    (tmp_path / "net.prototxt").write_text(
        NET + 'layer { name: "only" type: "Silence" bottom: "ip" include { phase: TEST } }'
    )
    model = str(tmp_path / "net.prototxt")
    for phase, there in (("TRAIN", False), ("TEST", True)):
        result = CliRunner().invoke(cafpy, ["time", "--model", model, "--iterations", "1", "--phase", phase])
        assert result.exit_code == 0, result.output
        assert "Initial loss: 0\n" in result.stderr  # the data are zeros
        assert ("only\tforward" in result.stderr) == there


def test_the_parts_are_not_more_than_the_whole(tmp_path):
    """The sum of the layers' times is at most what all passes took."""
    result = run(tmp_path)
    of_layers = [float(ms) for ms in re.findall(r"\t(?:for|back)ward: ([0-9.e+-]+) ms", result.stderr)]
    whole = {name: float(ms) for name, ms in re.findall(r"(Average \S+?|Total Time): ([0-9.e+-]+) ms", result.stderr)}
    assert len(of_layers) == 6
    assert sum(of_layers) <= whole["Average Forward-Backward"] * 1.001
    assert abs(whole["Total Time"] - 2 * whole["Average Forward-Backward"]) <= 1e-3 * whole["Total Time"]


def test_a_model_that_is_not_there(tmp_path):
    result = CliRunner().invoke(cafpy, ["time", "--model", str(tmp_path / "no.prototxt")])
    assert result.exit_code == 1 and "no.prototxt" in result.stderr and "Traceback" not in result.output
