"""The character-level model: its data as laid out by data/text/make_text.py, trained, and sampled step by step."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from cafpy.backend import CpuBackend
from cafpy.net import Net
from cafpy.passes import prepare
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse, read_net
from cafpy.solvers.solver import Solver

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "char_lstm"
MAKE = ROOT / "data" / "text" / "make_text.py"


def script(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make(folder: Path, *args: str) -> dict[str, dict[str, np.ndarray]]:
    """The datasets of train.h5 and test.h5 that the script makes."""
    subprocess.run([sys.executable, MAKE, *args, "--out", folder], check=True, capture_output=True)
    datasets = {}
    for name in ("train", "test"):
        (path,) = (folder / f"{name}_files.txt").read_text().splitlines()
        with h5py.File(path) as file:
            datasets[name] = {key: file[key][...] for key in file}
    return datasets


def words(vocabulary, numbers) -> str:
    return "".join("." if number < 0 else "_" if number == 0 else vocabulary[number] for number in numbers)


def test_one_long_text(tmp_path):
    text = "the cat sat on the mat; " * 10
    (tmp_path / "text.txt").write_text(text)
    size = ("--steps", "6", "--columns", "3", "--test", "0.2")
    made = make(tmp_path, str(tmp_path / "text.txt"), *size)
    vocabulary = json.loads((tmp_path / "vocabulary.json").read_text())
    assert vocabulary == ["\0", "\ufffd", *sorted(set(text))]
    train = made["train"]
    rows = int(len(text) * 0.8) // 3
    assert train["input"].shape == (rows // 6 * 6, 3)
    for j in range(3):
        piece = text[j * rows :][: rows // 6 * 6]
        assert words(vocabulary, train["target"][:, j]) == piece
        assert words(vocabulary, train["input"][:, j]) == "_" + piece[:-1]
    assert not train["cont"][0].any()
    assert train["cont"][1:].all()


def test_sequences_of_different_length(tmp_path):
    names = ["Anna", "Bob", "Maximilian", "Eve", "Jo", "Zoe", "Karl", "Ursula"]
    (tmp_path / "names.txt").write_text("\n".join(names) + "\n")
    size = ("--steps", "4", "--columns", "2", "--test", "0.25")
    made = make(tmp_path, str(tmp_path / "names.txt"), "--lines", *size)
    vocabulary = json.loads((tmp_path / "vocabulary.json").read_text())
    found = []
    for data in made.values():
        assert len(data["input"]) % 4 == 0
        for target, given, cont in zip(data["target"].T, data["input"].T, data["cont"].T, strict=True):
            text = words(vocabulary, target).rstrip(".")
            assert words(vocabulary, given)[: len(text)] == ("_" + text)[:-1]
            begins = [i for i in range(len(text)) if i == 0 or text[i - 1] == "_"]
            assert np.flatnonzero(cont == 0)[: len(begins)].tolist() == begins
            found += text.split("_")[:-1]
    assert sorted(found) == sorted(names)


def test_characters_without_room_in_the_vocabulary():
    make_text = script(MAKE)
    vocabulary = make_text.make_vocabulary("aaabbbccd", 4)
    assert vocabulary == ["\0", "\ufffd", "a", "b"]
    assert make_text.to_numbers("abcd", vocabulary).tolist() == [2, 3, 1, 1]


@pytest.mark.parametrize("text", ["", "short"])
def test_a_text_that_is_too_short(tmp_path, text):
    (tmp_path / "text.txt").write_text(text)
    for lines in ([], ["--lines"]):
        run = subprocess.run(
            [sys.executable, MAKE, tmp_path / "text.txt", *lines, "--out", tmp_path], capture_output=True, text=True
        )
        assert run.returncode == 2
        assert run.stderr.endswith("the text is too short: training and testing need 32 columns of 50 steps each\n")


def test_learns_a_text_and_says_it(tmp_path, monkeypatch):
    text = "the quick brown fox jumps over the lazy dog. "
    (tmp_path / "text.txt").write_text(text * 40)
    make(tmp_path, str(tmp_path / "text.txt"), "--steps", "10", "--columns", "8")
    net = prepare(read_net(MODEL / "train_val.prototxt"), pb.TRAIN)
    net.layer[0].hdf5_data_param.source = str(tmp_path / "train_files.txt")
    net.layer[0].hdf5_data_param.batch_size = 10
    param = parse('type: "Adam" base_lr: 0.02 lr_policy: "fixed" max_iter: 120 random_seed: 1', pb.SolverParameter())
    param.net_param.CopyFrom(net)
    param.snapshot_prefix = str(tmp_path / "snap")
    solver = Solver(param, backend=CpuBackend(threads=1))
    solver.solve()
    deploy = Net(read_net(MODEL / "deploy.prototxt"))
    deploy.share_trained_layers_with(solver.net)
    vocabulary = json.loads((tmp_path / "vocabulary.json").read_text())
    sample = script(ROOT / "tools" / "sample_text.py").characters
    drawn = sample(deploy, vocabulary, "the quick", 0.05, np.random.default_rng(0))
    assert "".join(next(drawn) for _ in range(80)) == (text * 3)[9:89]
