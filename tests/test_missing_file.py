"""A file that is not there is told with the nearest that is."""

from pathlib import Path

import pytest

from cafpy import missing_file
from cafpy.missing_file import does_not_exist


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working directory, with models/lenet/train_val.prototxt and other/solver.prototxt."""
    (tmp_path / "models" / "lenet").mkdir(parents=True)
    (tmp_path / "models" / "lenet" / "train_val.prototxt").touch()
    (tmp_path / "models" / "lenet" / "train_vall").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "solver.prototxt").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("models/lenet/train_vall.prototxt", "models/lenet/train_val.prototxt"),
        ("modles/lenet/Train_Val.prototxt", "models/lenet/train_val.prototxt"),
        ("models/lenet5/train_val.prototx", "models/lenet/train_val.prototxt"),
        ("./models/../models/lenet/trainval.prototxt", "models/../models/lenet/train_val.prototxt"),
    ],
)
def test_nearest_name(here, name, near):
    """Any part of the path may be wrong; what is proposed can be copied."""
    assert does_not_exist(name) == f"does not exist (did you mean '{near}'?) (looked in {here})"
    assert Path(near).is_file()


def test_an_absolute_path(here):
    path = here / "modles" / "lenet" / "train_val.prototxt"
    assert f"(did you mean '{here / 'models' / 'lenet' / 'train_val.prototxt'}'?)" in does_not_exist(path)


@pytest.mark.parametrize(
    "name", ["zzz.prototxt", "other/nope.prototxt", "models/xyzzy/train_val.prototxt", "other/lenet/train_val.prototxt"]
)
def test_nothing_is_near(here, name):
    assert does_not_exist(name) == f"does not exist (looked in {here})"


def test_further_folders_are_looked_at_and_named(here):
    text = does_not_exist("solvr.prototxt", here / "other")
    assert text == f"does not exist (did you mean 'solver.prototxt'?) (looked in {here} and {here / 'other'})"


def test_the_same_folder_is_named_once(here):
    assert does_not_exist("zzz", Path(), here) == f"does not exist (looked in {here})"


def test_only_what_is_wanted_is_proposed(here):
    """A database may be a folder or a file; a net is a file."""
    assert "did you mean" not in does_not_exist("models/lenett")
    assert "(did you mean 'models/lenet'?)" in does_not_exist("models/lenett", wanted=Path.exists)


def test_a_folder_where_a_file_is_wanted(here):
    assert does_not_exist("models/lenet") == "is a folder"


def test_large_folders_are_looked_at_in_part(here, monkeypatch):
    monkeypatch.setattr(missing_file, "LOOKED_AT", 0)
    assert does_not_exist("other/solvr.prototxt") == f"does not exist (looked in {here})"
