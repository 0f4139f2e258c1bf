"""`--layers`: train, test and time run nets with the layers of docs/new-layer.md, plugged in from a file."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from cafpy import registry
from cafpy.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "new-layer.md"
NET = """
layer { name: "x" type: "DummyData" top: "x" top: "y" dummy_data_param {
  shape { dim: 8 dim: 4 } shape { dim: 8 dim: 2 } data_filler { type: "gaussian" } data_filler { value: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 2
  weight_filler { type: "xavier" } } }
layer { name: "mish" type: "Mish" bottom: "ip" top: "mish" }
layer { name: "cap" type: "Cap" bottom: "mish" top: "mish" python_param { param_str: '{"limit": 6}' } }
layer { name: "centre" type: "Centre" bottom: "mish" top: "centre" }
layer { name: "loss" type: "EuclideanLoss" bottom: "centre" bottom: "y" top: "loss" }
"""
SOLVER = 'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 2 display: 1 snapshot_prefix: "snap"'


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The working directory, with my_layers.py as on the page; what a test plugs in is forgotten after it."""
    monkeypatch.setattr(registry, "_plugged_in", {})
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    Path("my_layers.py").write_text("\n\n".join(block for block in blocks if "class " in block), "utf-8")
    Path("net.prototxt").write_text(NET)
    Path("solver.prototxt").write_text(SOLVER)


def run(*args: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, [*args, "--cpu"] if code == 0 else list(args))
    assert result.exit_code == code, result.output
    return result.output


def test_train_then_test():
    log = run("train", "--solver", "solver.prototxt", "--layers", "my_layers.py")
    assert re.search(r"Iteration 1 .*loss = \d", log)
    assert "Optimization Done." in log
    registry._plugged_in.clear()
    weights = ["--weights", "snap_iter_2.caffemodel"]
    log = run("test", "--model", "net.prototxt", *weights, "--iterations", "2", "--layers", "my_layers.py")
    assert re.search(r"\] loss = \d", log)


def test_time():
    log = run("time", "--model", "net.prototxt", "--iterations", "1", "--layers", "my_layers.py")
    for name in ("mish", "cap", "centre"):
        assert re.search(rf"{name}\tbackward: [\d.e-]+ ms\.", log)


@pytest.mark.parametrize(
    "args",
    [
        ("train", "--solver", "solver.prototxt"),
        ("test", "--model", "net.prototxt", "--weights", "w.caffemodel"),
        ("time", "--model", "net.prototxt"),
    ],
    ids=lambda args: args[0],
)
def test_a_file_that_is_not_there(args):
    output = run(*args, "--layers", "your_layers.py", code=1)
    assert output == "Error: the layer file your_layers.py does not exist\n"


def test_without_layers_the_type_is_unknown():
    output = run("time", "--model", "net.prototxt", code=1)
    assert "layer 'mish' (Mish), net.prototxt:6: unknown layer type 'Mish'" in output
