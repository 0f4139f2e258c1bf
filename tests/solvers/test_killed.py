"""kill -9 at ten random moments of a run with everything on; `--resume` each time. The end is that of a whole run."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from cafpy.feed.convert.arrays import convert_arrays

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked and killed"),
]

KILLS = 10

NET = """
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  transform_param { crop_size: 8 mirror: true scale: 0.01
    distort_param { brightness_prob: 0.5 brightness_delta: 32 hue_prob: 0.5 hue_delta: 18 random_order_prob: 0.3
      contrast_prob: 0.5 contrast_lower: 0.5 contrast_upper: 1.5 } }
  data_param { source: "train_lmdb" batch_size: 8 backend: LMDB shuffle: true } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
  transform_param { crop_size: 8 scale: 0.01 } data_param { source: "test_lmdb" batch_size: 5 backend: LMDB } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" dropout_param { dropout_ratio: 0.4 } }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""

EVERYTHING = """
net: "net.prototxt" random_seed: 5 snapshot_prefix: "run" snapshot_keep: 3 ema_decay: 0.99 early_stop_patience: 400
warmup_iter: 40 test_interval: 20
"""

ADAM = """type: "Adam" base_lr: 0.002 momentum: 0.9 lr_policy: "plateau" gamma: 0.7 plateau_patience: 3 monitor: "loss"
iter_size: 2 max_iter: 1500 snapshot: 17 snapshot_best: "accuracy" test_iter: 3
"""

MOMENTUM = """type: "SGD" base_lr: 0.01 momentum: 0.9 weight_decay: 0.001 lr_policy: "cosine" monitor: "accuracy"
max_epoch: 200 snapshot: 20 snapshot_best: "loss" snapshot_format: HDF5
"""

# One Python start for all runs: it imports cafpy, then forks a process for each line that it reads, a folder.
SERVER = """
import os, sys
import cafpy.solvers.solver, cafpy.net
from cafpy.cli import main
for line in sys.stdin:
    process = os.fork()
    if not process:
        os.chdir(line.strip())
        os.dup2(os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        try:
            main(["train", "--solver", "solver.prototxt", "--resume"])
        except SystemExit as end:
            os._exit(end.code or 0)
    print(process, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def server():
    """A process that trains in the folders whose names it reads."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def folders(tmp_path, request):
    """Two folders with the same data, net and solver."""
    rng = np.random.default_rng(0)
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "net.prototxt").write_text(NET)
        (tmp_path / name / "solver.prototxt").write_text(EVERYTHING + request.param)
    for part, count in (("train", 53), ("test", 23)):
        images, labels = rng.integers(0, 256, (count, 3, 10, 10), np.uint8), rng.integers(0, 4, count)
        for name in ("whole", "broken"):
            convert_arrays(images, labels, tmp_path / name / f"{part}_lmdb")
    return tmp_path / "whole", tmp_path / "broken"


def train(server, folder, kill_when=None):
    """Train in the folder; kill -9 as soon as ``kill_when()`` is true. The exit code."""
    server.stdin.write(f"{folder}\n")
    server.stdin.flush()
    process = int(server.stdout.readline())
    if kill_when is not None:
        while not kill_when():
            time.sleep(0.0005)
        os.kill(process, 9)
    return int(server.stdout.readline())


def snapshots(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if "run_" in path.name}


@pytest.mark.parametrize("folders", [ADAM, MOMENTUM], ids=["adam", "momentum"], indirect=True)
def test_ten_kills(server, folders):
    whole, broken = folders
    assert train(server, whole) == 0, (whole / "log").read_text()
    rng = np.random.default_rng()
    for _ in range(KILLS):
        known = {path.name for path in broken.glob("*run_iter_*.solverstate*")}
        deadline, until = time.monotonic() + 60, None

        def now(known=known, deadline=deadline):
            """A random time after the first snapshot that was not there; written in full or not."""
            nonlocal until
            assert time.monotonic() < deadline, (broken / "log").read_text()
            if until is None and {path.name for path in broken.glob("*run_iter_*.solverstate*")} - known:
                until = time.monotonic() + rng.uniform(0, 0.06)
            return until is not None and time.monotonic() >= until

        assert train(server, broken, now) == -9, "the run ended before it could be killed"
    assert train(server, broken) == 0
    log = (broken / "log").read_text()
    assert log.count("Resuming from run_iter_") >= KILLS - 1, log
    expected, came = snapshots(whole), snapshots(broken)
    assert sorted(came) == sorted(expected)
    assert [name for name in expected if came[name] != expected[name]] == []
