"""`cafpy test`: means over the batches, and what must not be taken for a result."""

from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result

from cafpy.cli import main

DATA = """
layer { name: "data" type: "DummyData" top: "data" top: "target"
  dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 2 dim: 1 }
    data_filler { value: 1 } data_filler { value: 4 } } }
"""
INPUT = """
layer { name: "data" type: "Input" top: "data" top: "target"
  input_param { shape { dim: 2 dim: 3 } shape { dim: 2 dim: 1 } } }
"""
NET = """
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 1 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "target" top: "loss" }
"""


def evaluate(folder: Path, net: str, layer: str = "ip") -> Result:
    (folder / "net.prototxt").write_text(net)
    np.savez(folder / "w.npz", **{f"{layer}/0": np.full((1, 3), 2, np.float32), f"{layer}/1": np.zeros(1, np.float32)})
    arguments = ["--model", str(folder / "net.prototxt"), "--weights", str(folder / "w.npz"), "--iterations", "2"]
    return CliRunner().invoke(main, ["test", "--cpu", *arguments])


def test_mean_of_the_outputs(tmp_path: Path) -> None:
    result = evaluate(tmp_path, DATA + NET)
    assert result.exit_code == 0, result.output
    assert "1 of 1 layers with weights copied" in result.output
    assert "Batch 1, loss = 2" in result.output  # (1·2·3 - 4)² / 2
    assert "] loss = 2 (* 1 = 2 loss)" in result.output


def test_input_that_nothing_fills(tmp_path: Path) -> None:
    result = evaluate(tmp_path, INPUT + NET)
    assert result.exit_code == 1
    assert "nothing fills this net's input data, target, so there is nothing to test on" in result.output


def test_weights_of_another_net(tmp_path: Path) -> None:
    result = evaluate(tmp_path, DATA + NET, layer="fc8")
    assert result.exit_code == 1
    assert "has weights for no layer of this net: the net's are ip, the file's fc8." in result.output
