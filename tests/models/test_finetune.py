"""The recipe of models/finetune_lenet_cifar10 at small scale: LeNet learns digits, then others, of another number."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cafpy.cli import main
from cafpy.feed.convert.arrays import convert_arrays

ROOT = Path(__file__).resolve().parents[2]
SOLVER = """
net: "{name}.prototxt" base_lr: 0.003 momentum: 0.9 weight_decay: 0.0005 lr_policy: "fixed" max_iter: {iterations}
test_interval: 1000 test_initialization: false random_seed: {seed} snapshot_prefix: "{name}"
"""

FEW = 8  # iterations: 0.4 from scratch, 0.7 from weights that know digits


def digits(folder: Path, name: str, classes: list[int]) -> None:
    """Databases <name>_train_lmdb and <name>_test_lmdb of digits as 28×28 images; digit d is of class classes[d]."""
    data = pytest.importorskip("sklearn.datasets").load_digits()
    images = np.kron(data.images * 15, np.ones((3, 3))).astype(np.uint8)
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)))[:, None]
    labels = np.array(classes)[data.target]
    convert_arrays(images[200:], labels[200:], folder / f"{name}_train_lmdb")
    convert_arrays(images[:200], labels[:200], folder / f"{name}_test_lmdb")


def lenet(name: str, classes: int, last: str = "ip2") -> str:
    text = (ROOT / "models/lenet_mnist/train_val.prototxt").read_text("utf-8")
    for part in ("train", "test"):
        text = text.replace(f"data/mnist/mnist_{part}_lmdb", f"{name}_{part}_lmdb")
    return text.replace("num_output: 10", f"num_output: {classes}").replace('"ip2"', f'"{last}"')


def train(folder: Path, name: str, net: str, iterations: int, *options: str, seed: int = 1) -> str:
    (folder / f"{name}.prototxt").write_text(net, "utf-8")
    (folder / f"{name}_solver.prototxt").write_text(SOLVER.format(name=name, iterations=iterations, seed=seed))
    result = CliRunner().invoke(main, ["train", "--solver", f"{name}_solver.prototxt", *options])
    assert result.exit_code == 0, result.output
    return result.output


def accuracy(folder: Path, name: str, iterations: int) -> float:
    weights = f"{name}_iter_{iterations}.caffemodel"
    result = CliRunner().invoke(
        main, ["test", "--model", f"{name}.prototxt", "--weights", weights, "--iterations", "2"]
    )
    assert result.exit_code == 0, result.output
    return float(re.findall(r"accuracy = ([\d.]+)", result.output)[-1])


def test_one_command_fine_tunes_to_another_number_of_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    digits(tmp_path, "known", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    digits(tmp_path, "new", [0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
    train(tmp_path, "known", lenet("known", 10), 300)
    weights = ["--weights", "known_iter_300.caffemodel"]
    scores: dict[str, list[float]] = {"scratch": [], "same_names": [], "renamed": []}
    for seed in (1, 2, 3):
        for name, net, options in [
            ("scratch", lenet("new", 5), []),
            ("same_names", lenet("new", 5), weights),
            ("renamed", lenet("new", 5, "ip2_new"), weights),
        ]:
            log = train(tmp_path, name, net, FEW, *options, seed=seed)
            scores[name].append(accuracy(tmp_path, name, FEW))
            if name == "same_names":
                assert re.search(r"conv1 +copied\n", log)
                assert "ip2    re-initialised: parameter 0 has shape 5×500, in the file 10×500" in log
            if name == "renamed":
                assert "ip2_new  not in the file" in log
                assert "ip2      unused: only in the file" in log
    means = {name: np.mean(values) for name, values in scores.items()}
    assert min(means["same_names"], means["renamed"]) > means["scratch"] + 0.1, scores
