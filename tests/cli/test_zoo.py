"""`cafpy zoo list`, `show` and `pull`, and `zoo:NAME` as weights of train, test and the solver file."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cafpy.cli import main

MODELS = Path(__file__).resolve().parents[2] / "models"
NET = """
name: "LeNetDigits"
layer { name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param { shape { dim: 4 dim: 1 dim: 8 dim: 8 } shape { dim: 4 } } }
"""
SOLVER = """net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 1
snapshot_after_train: false solver_mode: CPU
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The current folder: a net of LeNet's layers on made-up data, and its solver."""
    path = tmp_path / "here"
    path.mkdir()
    monkeypatch.chdir(path)
    text = (MODELS / "lenet_digits" / "train_val.prototxt").read_text("utf-8")
    layers = text[text.index('layer {\n  name: "conv1"') :]
    (path / "net.prototxt").write_text(NET + layers, "utf-8")
    (path / "solver.prototxt").write_text(SOLVER)
    return path


def run(*args: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, args)
    assert result.exit_code == code, result.output
    return result.output


def row(table: str, name: str) -> list[str]:
    return next(line.split() for line in table.splitlines() if line.strip().startswith(name))


def test_list(small_zoo, tmp_path):
    table = run("zoo", "list")
    assert row(table, "tiny")[:6] == ["tiny", "36,268", "0.1", "MB", "public", "0.988"]
    assert row(table, "shipped")[1:6] == ["36,268", "0.1", "MB", "shipped", "yes"]
    assert row(table, "none")[:3] == ["none", "36,268", "none"]
    assert str(tmp_path / "cache" / "zoo") in table
    run("zoo", "pull", "tiny")
    assert row(run("zoo", "list", "TIN"), "tiny")[4:6] == ["public", "yes"]
    assert "shipped" not in run("zoo", "list", "tiny")
    assert run("zoo", "list", "bert") == "the zoo has no model for 'bert'; `cafpy zoo list` shows all\n"


def test_list_of_what_is_here():
    table = run("zoo", "list")
    assert row(table, "lenet_digits")[4] == "shipped"
    assert row(table, "vgg16")[1:5] == ["138,357,544", "553", "MB", "public"]
    assert len(run("zoo", "list", "vgg*").splitlines()) < len(table.splitlines())


def test_show(small_zoo, web, tmp_path):
    text = run("zoo", "show", "tiny")
    assert "licence        BSD-2-Clause\n" in text
    assert "weights        public, about 0.1 MB\n" in text
    assert f"from           {web.url('/a/tiny.bin')}\n               {web.url('/b/tiny.bin')}\n" in text
    assert "here           no; `cafpy zoo pull tiny` puts them into " in text
    assert "## Fine-tune it" in text
    run("zoo", "pull", "tiny")
    assert f"here           {tmp_path / 'cache' / 'zoo' / 'tiny.caffemodel'}\n" in run("zoo", "show", "tiny")
    assert "weights        none are public; the solver trains them\n" in run("zoo", "show", "none")
    assert "weights        shipped with cafpy, 0.1 MB: " in run("zoo", "show", "shipped")
    assert "weights        those of zoo:tiny\n" in run("zoo", "show", "tuned")
    assert "Error: the zoo has no model 'tinny' (did you mean 'tiny'?)" in run("zoo", "show", "tinny", code=1)


def test_pull(small_zoo, web):
    web.files["/mine/tiny.caffemodel"] = web.files.pop("/a/tiny.bin")
    text = run("zoo", "pull", "tiny", "--mirror", web.url("/mine"), "--out", "mine")
    assert web.asked == [("/mine/tiny.caffemodel", None)]
    assert "written: mine/README.md, mine/deploy.prototxt, " in text
    assert ", data/digits/make_digits.py, mine/tiny.caffemodel\n" in text
    assert "licence: BSD-2-Clause\n" in text
    Path("mine/deploy.prototxt").write_text("mine")
    text = run("zoo", "pull", "tiny", "--out", "mine")
    assert "mine/deploy.prototxt: kept, though it differs from the zoo's; --force replaces it\n" in text
    assert "weights: none known\n" in run("zoo", "pull", "none")
    assert "not checked, as no checksum is published; it has sha256:" in run("zoo", "pull", "unsure", "--unchecked")


def test_weights_of_test_and_train(small_zoo, web):
    assert "zoo:tiny: 4 of 4 layers with weights copied" in run(
        "test", "--model", "net.prototxt", "--weights", "zoo:tiny", "--iterations", "1"
    )
    web.files.clear()
    text = run("train", "--solver", "solver.prototxt", "--weights", "zoo:shipped,zoo:tiny")
    assert "Finetuning from zoo:shipped: 4 of 4 layers" in text
    assert "Finetuning from zoo:tiny: 4 of 4 layers" in text


def test_weights_of_the_solver_file(small_zoo, web):
    Path("solver.prototxt").write_text(SOLVER + 'weights: "zoo:tiny"\n')
    assert "Finetuning from zoo:tiny: 4 of 4 layers" in run("train", "--solver", "solver.prototxt")
    assert [path for path, _ in web.asked] == ["/a/tiny.bin"]


def test_a_wrong_name_is_found_before_the_net_is_built(small_zoo):
    Path("net.prototxt").write_text("layer {")
    for args in (("train", "--solver", "solver.prototxt"), ("test", "--model", "net.prototxt")):
        text = run(*args, "--weights", "zoo:shiped", code=1)
        assert text.startswith("Error: the zoo has no model 'shiped' (did you mean 'shipped'?)")


def test_the_shipped_weights_are_as_good_as_their_readme_says():
    """0.988 on the 500 digits of data/digits/make_digits.py; the split is fixed, so nearly the same here."""
    datasets = pytest.importorskip("sklearn.datasets")
    import numpy as np

    from cafpy.net import Net
    from cafpy.proto.text import read_net
    from cafpy.snapshot.load import load_weights

    net = Net(read_net(MODELS / "lenet_digits" / "deploy.prototxt"))
    load_weights(net, "zoo:lenet_digits", strict=True)
    digits = datasets.load_digits()
    right = 0
    for start in range(0, 1792, 64):
        net.blobs["data"].data[...] = digits.images[start : start + 64, None] / 16
        net.forward()
        right += np.sum(net.blobs["prob"].data.argmax(1) == digits.target[start : start + 64])
    assert right / 1792 > 0.99  # most of them it has learnt from
