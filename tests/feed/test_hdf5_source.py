from pathlib import Path

import h5py
import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed import hdf5_source
from cafpy.feed.hdf5_source import Hdf5Source, read_list


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Working directory with a.h5 (rows 0 to 4) and b.h5 (rows 5 to 7): x is n×2, y the row number."""
    monkeypatch.chdir(tmp_path)
    for name, numbers in (("a", range(5)), ("b", range(5, 8))):
        with h5py.File(f"{name}.h5", "w") as file:
            y = np.array(numbers)
            file["y"] = y
            file.create_dataset("x", data=np.stack([y * 10.0, y * 10.0 + 1], 1), chunks=(2, 2), compression="gzip")
    return tmp_path


def rows(source, sizes):
    """The y of batches of these sizes, each checked against its x."""
    out = []
    for size in sizes:
        x, y = np.empty((size, 2), np.float32), np.empty(size, np.float32)
        source.read([x, y])
        np.testing.assert_array_equal(x, np.stack([y * 10, y * 10 + 1], 1))
        out += y.astype(int).tolist()
    return out


def files(folder):
    return [folder / "a.h5", folder / "b.h5"]


@pytest.mark.parametrize("in_memory", [0, 1 << 20])
def test_batches_run_across_files_and_around(folder, monkeypatch, in_memory):
    monkeypatch.setattr(hdf5_source, "IN_MEMORY", in_memory)
    source = Hdf5Source(files(folder), ["x", "y"])
    assert source.row_shapes == [(2,), ()]
    assert rows(source, [3, 3, 20]) == [*range(8), *range(8), *range(8), 0, 1]
    source.close()


@pytest.mark.parametrize("in_memory", [0, 1 << 20])
def test_shuffle_gives_every_row_once_a_pass_in_new_orders(folder, monkeypatch, in_memory):
    monkeypatch.setattr(hdf5_source, "IN_MEMORY", in_memory)
    source = Hdf5Source(files(folder), ["x", "y"], shuffle=True, seed=7)
    passes = [rows(source, [3, 5]) for _ in range(6)]
    assert all(sorted(order) == list(range(8)) for order in passes)
    assert len({tuple(order) for order in passes}) > 3
    assert {order[0] < 5 for order in passes} == {True, False}  # the files change places too
    assert passes == [
        rows(Hdf5Source(files(folder), ["x", "y"], True, 7), [8] * 6)[i * 8 : i * 8 + 8] for i in range(6)
    ]


def test_one_file_is_shuffled_anew_in_every_pass(folder):
    source = Hdf5Source([folder / "a.h5"], ["x", "y"], shuffle=True, seed=1)
    passes = [tuple(rows(source, [5])) for _ in range(5)]
    assert all(sorted(order) == list(range(5)) for order in passes)
    assert len(set(passes)) > 2


@pytest.mark.parametrize("shuffle", [False, True])
def test_goes_on_where_a_state_says(folder, shuffle):
    source = Hdf5Source(files(folder), ["x", "y"], shuffle, seed=2)
    rows(source, [3, 3, 3, 2])
    state = source.state()
    expected = rows(source, [4, 9])
    again = Hdf5Source(files(folder), ["x", "y"], shuffle, seed=2)
    rows(again, [1])
    again.load_state(state)
    assert rows(again, [4, 9]) == expected


def test_list_of_files(folder):
    (folder / "with space.h5").touch()
    (folder / "list.txt").write_text("a.h5 b.h5\n\n with space.h5\nmissing.h5\n")
    assert [path.name for path in read_list("list.txt")] == ["a.h5", "b.h5", "with space.h5", "missing.h5"]


def test_errors_of_the_list(folder):
    (folder / "empty.txt").write_text("\n  \n")
    (folder / "binary.txt").write_bytes(b"\xff\xfe\xff")
    for source, text in [
        ("nope.txt", f"source: the list 'nope.txt' does not exist (looked in {folder})"),
        (
            "a.h5",
            "source: 'a.h5' is an HDF5 file itself; source names a text file that lists HDF5 files, one a line",
        ),
        ("empty.txt", "source: the list 'empty.txt' names no file"),
        ("binary.txt", "source: 'binary.txt' is no text file; it must list HDF5 files, one a line"),
    ]:
        with pytest.raises(DataError) as error:
            read_list(source)
        assert str(error.value) == text


def test_errors_of_the_files(folder):
    (folder / "text.h5").write_text("no HDF5")
    with h5py.File("odd.h5", "w") as file:
        file["x"], file["y"] = np.zeros((4, 3)), np.zeros(4)
        file["short"], file["words"], file["none"] = np.zeros(2), np.array([b"a"] * 4), np.zeros((0, 2))
    for names, more, text in [
        (["x", "y"], "nope.h5", f"the HDF5 file 'nope.h5' does not exist (looked in {folder})"),
        (["x"], "text.h5", "the HDF5 file 'text.h5' cannot be read: "),
        (
            ["yy"],
            "b.h5",
            "'b.h5' has no dataset 'yy' (did you mean 'y'?); there are x, y "
            "(each top is read from the dataset of its name)",
        ),
        (["x", "short"], "odd.h5", "the datasets of 'odd.h5' differ in their number of rows: 'x' 4, 'short' 2"),
        (["words"], "odd.h5", "dataset 'words' of 'odd.h5' holds |S1, not numbers"),
        (["none"], "odd.h5", "dataset 'none' of 'odd.h5' has no rows (shape (0, 2))"),
    ]:
        with pytest.raises(DataError) as error:
            Hdf5Source([Path(more)], names)
        assert str(error.value).startswith(text)
    with pytest.raises(DataError) as error:
        Hdf5Source([Path("a.h5"), Path("odd.h5")], ["x", "y"])
    assert str(error.value) == "a row of dataset 'x' has shape (3,) in 'odd.h5', but (2,) in 'a.h5'"
