"""`cafpy train` and `cafpy test` from end to end: real digits, a small net, files in a temporary folder."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cafpy.cli import main
from cafpy.feed.convert.arrays import convert_arrays

NET = """
name: "small"
layer {{ name: "data" type: "Data" top: "data" top: "label" include {{ phase: TRAIN }}
  transform_param {{ scale: 0.0625 }} data_param {{ source: "{folder}/train_lmdb" batch_size: 32 backend: LMDB }} }}
layer {{ name: "data" type: "Data" top: "data" top: "label" include {{ phase: TEST }}
  transform_param {{ scale: 0.0625 }} data_param {{ source: "{folder}/test_lmdb" batch_size: 50 backend: LMDB }} }}
layer {{ name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param {{ num_output: 8 kernel_size: 3 pad: 1 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "relu" type: "ReLU" bottom: "conv" top: "conv" }}
layer {{ name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param {{ kernel_size: 2 stride: 2 }} }}
layer {{ name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
  inner_product_param {{ num_output: 10 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include {{ phase: TEST }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }}
"""

SOLVER = """
net: "{folder}/net.prototxt" test_iter: 10 test_interval: 100 base_lr: 0.05 momentum: 0.9 lr_policy: "fixed"
display: 50 max_iter: 200 snapshot: 100 snapshot_prefix: "{folder}/snap" random_seed: 7 solver_mode: CPU
"""


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Path:
    """A folder with two LMDBs of scikit-learn's digits, and the net and solver above."""
    datasets = pytest.importorskip("sklearn.datasets")
    folder = tmp_path_factory.mktemp("digits")
    bunch = datasets.load_digits()
    images = bunch.images.astype(np.uint8)[:, None]
    order = np.random.default_rng(0).permutation(len(images))
    convert_arrays(images[order[:500]], bunch.target[order[:500]], folder / "test_lmdb")
    convert_arrays(images[order[500:]], bunch.target[order[500:]], folder / "train_lmdb")
    (folder / "net.prototxt").write_text(NET.format(folder=folder))
    (folder / "solver.prototxt").write_text(SOLVER.format(folder=folder))
    return folder


def run(*args: object) -> str:
    """What the command prints, which must end well."""
    result = CliRunner().invoke(main, [str(arg) for arg in args])
    assert result.exit_code == 0, result.output
    return result.output


def test_trains_tests_and_snapshots(digits):
    log = run("train", "--solver", digits / "solver.prototxt")
    assert re.search(r"solver\.py:1\] Iteration 100, Testing net \(#0\)\n", log)
    assert re.search(r"Iteration 150 \([-.e\d]+ iter/s, [-.e\d]+s/50 iters\), loss = [.\de-]+\n", log)
    assert re.search(r"Iteration 150, lr = 0.05\n", log)
    assert "Optimization Done." in log
    accuracy = [float(value) for value in re.findall(r"Test net output #0: accuracy = ([.\d]+)", log)]
    assert len(accuracy) == 3
    assert accuracy[-1] > 0.9 > accuracy[0]
    for name in ("snap_iter_100", "snap_iter_200"):
        assert (digits / f"{name}.caffemodel").exists()
        assert (digits / f"{name}.solverstate").exists()

    test = run("test", "--model", digits / "net.prototxt", "--weights", digits / "snap_iter_200.caffemodel",
               "--iterations", 10)  # fmt: skip
    assert f"accuracy = {accuracy[-1]:.6g}\n" in test
    assert re.search(r"\] loss = [.\d]+ \(\* 1 = [.\d]+ loss\)\n", test)


def test_caffe_s_spelling_of_options(digits):
    assert "Total Time:" in run("time", "-model", digits / "net.prototxt", "-iterations", "2")


def test_resuming_gives_the_same_weights(digits, tmp_path):
    prefix = f'snapshot_prefix: "{digits}/snap"'
    (tmp_path / "solver.prototxt").write_text(
        SOLVER.format(folder=digits).replace(prefix, f'snapshot_prefix: "{tmp_path}/snap"')
    )
    run("train", "--solver", tmp_path / "solver.prototxt")
    whole = (tmp_path / "snap_iter_200.caffemodel").read_bytes()
    (tmp_path / "snap_iter_200.caffemodel").unlink()
    log = run("train", "--solver", tmp_path / "solver.prototxt", "--snapshot", tmp_path / "snap_iter_100.solverstate")
    assert "Resuming from" in log
    assert (tmp_path / "snap_iter_200.caffemodel").read_bytes() == whole


def test_ctrl_c_takes_a_snapshot_and_stops(digits, tmp_path):
    solver = SOLVER.format(folder=digits).replace(f"{digits}/snap", f"{tmp_path}/snap")
    (tmp_path / "solver.prototxt").write_text(solver.replace("max_iter: 200", "max_iter: 1000000"))
    command = [sys.executable, "-c", "from cafpy.cli import main; main()", "train", "--solver", "solver.prototxt"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Iteration 50 " in line:
                process.send_signal(signal.SIGHUP)
                break
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("snap_iter_*.solverstate")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(60) == 0, rest
    assert "Optimization stopped early." in rest
    assert len(list(tmp_path.glob("snap_iter_*.solverstate"))) >= 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("test_lmdb", "tset_lmdb"), "tset_lmdb"),
        (("num_output: 10", "num_output: 9"), "label 9 of item"),
        (('type: "ReLU"', 'type: "Relu"'), "unknown layer type 'Relu' (did you mean 'ReLU'?)"),
        (('bottom: "pool"', 'bottom: "pol"'), "bottom 'pol'"),
    ],
)
def test_mistakes_end_with_a_message_and_exit_code_1(digits, tmp_path, change, message):
    (tmp_path / "net.prototxt").write_text(NET.format(folder=digits).replace(*change))
    solver = SOLVER.format(folder=digits).replace(f"{digits}/net", f"{tmp_path}/net")
    (tmp_path / "solver.prototxt").write_text(solver)
    result = CliRunner().invoke(main, ["train", "--solver", str(tmp_path / "solver.prototxt")])
    assert result.exit_code == 1
    assert message in result.output
    assert f"{tmp_path}/net.prototxt:" in result.output
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)
