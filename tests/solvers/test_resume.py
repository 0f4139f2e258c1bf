"""`cafpy train --resume` after kill -9: the end is that of a run never stopped, to the last bit."""

import os
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from cafpy.cli import main
from cafpy.feed.convert.arrays import convert_arrays

LMDB = """
layer { name: "data" type: "Data" top: "x" top: "y" transform_param { crop_size: 5 mirror: true scale: 0.01 }
  data_param { source: "train_lmdb" batch_size: 7 backend: LMDB rand_skip: 5 } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
  convolution_param { num_output: 3 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "y" top: "loss" }
"""

SHUFFLED_WITH_DROPOUT = """
layer { name: "data" type: "HDF5Data" top: "x" top: "y"
  hdf5_data_param { source: "data.txt" batch_size: 4 shuffle: true } }
layer { name: "ip1" type: "InnerProduct" bottom: "x" top: "ip1"
  inner_product_param { num_output: 20 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "ip1" top: "ip1" dropout_param { dropout_ratio: 0.4 } }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip2" bottom: "y" top: "loss" }
"""

SOLVER = """
net: "net.prototxt" base_lr: 0.005 lr_policy: "fixed" max_iter: 600 snapshot: 30 random_seed: 3 solver_mode: CPU
snapshot_prefix: "PREFIX"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with both kinds of data."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    convert_arrays(rng.integers(0, 256, (23, 1, 6, 6), np.uint8), rng.integers(0, 4, 23), tmp_path / "train_lmdb")
    with h5py.File("data.h5", "w") as file:
        file["x"] = rng.standard_normal((11, 3)).astype(np.float32)
        file["y"] = rng.standard_normal((11, 2)).astype(np.float32)
    (tmp_path / "data.txt").write_text("data.h5\n")
    return tmp_path


def train(*args, code=0):
    result = CliRunner().invoke(main, ["train", *map(str, args)])
    assert result.exit_code == code, result.output
    return result.output


def kill_after_a_snapshot(folder, seconds):
    """Start training, wait for a snapshot that was not there, then ``seconds`` more, and kill -9. What it printed."""
    before = len(list(folder.glob("broken_iter_*.solverstate*")))
    command = [
        sys.executable,
        "-c",
        "from cafpy.cli import main; main()",
        "train",
        "--solver",
        "broken.prototxt",
        "--resume",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=dict(os.environ)) as process:
        deadline = time.monotonic() + 120
        while len(list(folder.glob("broken_iter_*.solverstate*"))) <= before and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(seconds)
        process.kill()
        assert process.stderr is not None
        return process.stderr.read().decode()


@pytest.mark.parametrize(
    ("net", "more"),
    [
        (LMDB, 'type: "Adam" momentum: 0.9'),
        (SHUFFLED_WITH_DROPOUT, "momentum: 0.9 snapshot_format: HDF5 ema_decay: 0.99"),
    ],
    ids=["lmdb", "shuffled with dropout"],
)
def test_killed_at_random_moments(folder, net, more):
    (folder / "net.prototxt").write_text(net)
    for name in ("whole", "broken"):
        (folder / f"{name}.prototxt").write_text(SOLVER.replace("PREFIX", name) + more)
    train("--solver", "whole.prototxt")
    log = kill_after_a_snapshot(folder, 0.001)
    assert "no snapshot broken_iter_*.solverstate to go on from; starting from the beginning" in log
    for seconds in np.random.default_rng().uniform(0, 0.05, 2):
        log = kill_after_a_snapshot(folder, seconds)
        assert "Resuming from broken_iter_" in log
    train("--solver", "broken.prototxt", "--resume")
    suffix = ".caffemodel.h5" if "HDF5" in more else ".caffemodel"
    whole, broken = (folder / f"{name}_iter_600{suffix}" for name in ("whole", "broken"))
    assert whole.read_bytes() == broken.read_bytes()
    assert not list(folder.glob(".broken_iter_*"))
    if "ema_decay" in more:
        whole, broken = (folder / f"{name}_iter_600.ema{suffix}" for name in ("whole", "broken"))
        assert whole.read_bytes() == broken.read_bytes()


def test_a_damaged_snapshot_is_named_and_the_one_before_is_taken(folder):
    (folder / "net.prototxt").write_text(SHUFFLED_WITH_DROPOUT)
    (folder / "broken.prototxt").write_text(SOLVER.replace("PREFIX", "broken"))
    train("--solver", "broken.prototxt")
    whole = (folder / "broken_iter_600.caffemodel").read_bytes()
    (folder / "broken_iter_600.caffemodel").write_bytes(whole[:-9])
    (folder / "broken_iter_570.solverstate").write_bytes(b"")
    log = train("--solver", "broken.prototxt", "--resume")
    assert (
        "Passed over for --resume: broken_iter_600.caffemodel is damaged, breaks off, or belongs to another run" in log
    )
    assert "Passed over for --resume: broken_iter_570.solverstate (0 bytes) is not a solver state" in log
    assert "Resuming from broken_iter_540.solverstate at iteration 540" in log
    assert (folder / "broken_iter_600.caffemodel").read_bytes() == whole


@pytest.mark.parametrize("other", ["--weights", "--snapshot"])
def test_resume_excludes_weights_and_snapshot(folder, other):
    (folder / "broken.prototxt").write_text(SOLVER)
    log = train("--solver", "broken.prototxt", "--resume", other, "x", code=1)
    assert f"--resume and {other} contradict each other: --resume finds its snapshot itself; give one" in log
