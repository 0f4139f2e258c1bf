"""A model of the zoo in a folder of one's own: what is written, kept and refused."""

import os
from pathlib import Path

import pytest

from cafpy.errors import WeightsError
from cafpy.proto.text import read_net, read_solver
from cafpy.snapshot.zoo import find_model
from cafpy.snapshot.zoo_pull import pull

TEXTS = ["README.md", "deploy.prototxt", "solver.prototxt", "train_val.prototxt"]
SCRIPTS = [Path("data/digits/README.md"), Path("data/digits/make_digits.py")]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The current folder, empty."""
    path = tmp_path / "here"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


def test_net_solver_weights_and_data_scripts(small_zoo, web):
    model, folder = find_model("tiny"), Path("models/tiny")
    report = pull(model, folder)
    assert report.written == [*(folder / name for name in TEXTS), *SCRIPTS, folder / "tiny.caffemodel"]
    assert (report.same, report.kept, report.found) == ([], [], None)
    assert all(path.is_file() for path in report.written)
    assert report.weights.read_bytes() == web.files["/a/tiny.bin"]
    assert read_solver(folder / "solver.prototxt").net == "models/tiny/train_val.prototxt"
    again = pull(model, folder)
    assert (again.written, again.same, again.kept) == ([], report.written, [])
    assert len(web.asked) == 1


def test_another_folder_stands_in_the_files(small_zoo):
    pull(find_model("shipped"), Path("nets/mine"))
    solver = read_solver("nets/mine/solver.prototxt")
    assert (solver.net, solver.snapshot_prefix) == ("nets/mine/train_val.prototxt", "nets/mine/lenet")
    assert read_net(solver.net).name == "LeNetDigits"


def test_what_the_user_changed_is_kept(small_zoo):
    model, folder = find_model("tiny"), Path("models/tiny")
    pull(model, folder)
    (folder / "solver.prototxt").write_text("mine")
    (folder / "tiny.caffemodel").unlink()
    (folder / "tiny.caffemodel").write_text("my own")
    report = pull(model, folder)
    assert report.kept == [folder / "solver.prototxt", folder / "tiny.caffemodel"]
    assert (folder / "solver.prototxt").read_text() == "mine"
    report = pull(model, folder, force=True)
    assert report.written == [folder / "solver.prototxt", folder / "tiny.caffemodel"]
    assert (folder / "solver.prototxt").read_text("utf-8").startswith("# ")


def test_weights_take_no_room_twice(small_zoo, tmp_path):
    path = pull(find_model("tiny"), Path("tiny")).weights
    assert os.path.samefile(path, tmp_path / "cache" / "zoo" / "tiny.caffemodel")


def test_shipped_weights_are_copied(small_zoo):
    path = pull(find_model("shipped"), Path("mine")).weights
    assert not os.path.samefile(path, small_zoo / "shipped" / "shipped.caffemodel")


def test_where_links_do_not_work_they_are_copied(small_zoo, monkeypatch, web):
    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    path = pull(find_model("tiny"), Path("tiny")).weights
    assert path.read_bytes() == web.files["/a/tiny.bin"]


def test_without_weights_nothing_is_written(small_zoo, web, folder):
    web.files.clear()
    with pytest.raises(WeightsError, match="could not be fetched"):
        pull(find_model("tiny"), Path("models/tiny"))
    assert list(folder.iterdir()) == []


def test_a_model_without_weights_is_its_nets(small_zoo):
    report = pull(find_model("none"), Path("models/none"))
    assert report.weights is None
    assert [path.name for path in report.written[:4]] == TEXTS


def test_unchecked_weights_must_be_weights(small_zoo, web, tmp_path):
    report = pull(find_model("unsure"), Path("models/unsure"), unchecked=True)
    assert report.found == find_model("tiny").checksum
    cached = tmp_path / "cache" / "zoo" / "unsure.caffemodel"
    cached.unlink()
    web.files["/unsure"] = b"<html>This page has moved</html>"
    with pytest.raises(WeightsError, match="gave for unsure is no weight file; removed"):
        pull(find_model("unsure"), Path("models/unsure"), unchecked=True)
    assert not cached.exists()
