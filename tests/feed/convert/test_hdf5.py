import os

import h5py
import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.convert.array_files import read_arrays
from cafpy.feed.convert.hdf5 import convert_arrays_to_hdf5, convert_images_to_hdf5
from cafpy.feed.convert.image_record import ImageOptions
from cafpy.feed.hdf5_source import Hdf5Source, read_list
from cafpy.feed.image import encode_image


@pytest.fixture
def images(tmp_path, monkeypatch, pixels):
    """Working directory with 0.png … 69.png of 3×5×6; the pixels."""
    monkeypatch.chdir(tmp_path)
    made = [pixels(3, 5, 6) for _ in range(70)]
    for i, image in enumerate(made):
        (tmp_path / f"{i}.png").write_bytes(encode_image(image, "png"))
    return np.stack(made)


def stored(path="out.h5"):
    with h5py.File(path) as file:
        return {name: dataset[...] for name, dataset in file.items()}


def test_images_with_several_labels(tmp_path, images):
    lines = [f"{i}.png,{i / 4},{-i}" for i in range(70)]
    (tmp_path / "list.csv").write_text("\n".join(["path,x,y", *lines[:3], "gone.png,1,2", *lines[3:]]))
    report = convert_images_to_hdf5("list.csv", "out", jobs=3)
    assert (report.written, report.skipped, report.shapes) == (70, [("gone.png", "does not exist")], {(3, 5, 6): 70})
    data = stored()
    assert data["data"].dtype == np.uint8 and np.array_equal(data["data"], images)
    assert np.array_equal(data["label"], [[i / 4, -i] for i in range(70)])
    source = Hdf5Source(read_list("out.txt"), ["data", "label"])
    batch = np.empty((70, 3, 5, 6), np.float32), np.empty((70, 2), np.float32)
    source.read(batch)
    source.close()
    assert np.array_equal(batch[0], images)


def test_mean_scale_shuffle(tmp_path, images):
    (tmp_path / "list.txt").write_text("".join(f"{i}.png {i}\n" for i in range(70)))
    report = convert_images_to_hdf5("list.txt", "out.h5", mean=[1, 2, 3], scale=0.5, shuffle=True, seed=3)
    data = stored()
    order = data["label"].astype(int)
    assert order.tolist() != sorted(order) == list(range(70)) == sorted(report.counts)
    wanted = (images[order] - np.array([1, 2, 3], np.float32).reshape(-1, 1, 1)) * np.float32(0.5)
    assert np.array_equal(data["data"], wanted)


def message(function, *args, **kwargs) -> str:
    with pytest.raises(DataError) as error:
        function(*args, **kwargs)
    return str(error.value)


def test_errors_of_images(tmp_path, images):
    (tmp_path / "list.txt").write_text("0.png 0\nwide.png 1\n")
    (tmp_path / "wide.png").write_bytes(encode_image(np.zeros((3, 5, 7), np.uint8), "png"))
    before = sorted(os.listdir())
    assert message(convert_images_to_hdf5, "list.txt", "out") == (
        "'wide.png' is 3×5×7 (channels × height × width), but the images before it are 3×5×6; a dataset "
        "holds one size: give --resize"
    )
    assert message(convert_images_to_hdf5, "list.txt", "out", mean=[1, 2]) == (
        "2 mean values came for images of 3 channels; give 1 or 3"
    )
    assert message(convert_images_to_hdf5, "list.txt", "out", root="no").endswith("Is the root folder right?")
    assert sorted(os.listdir()) == before
    convert_images_to_hdf5("list.txt", "out", ImageOptions(resize=(4, 4)))
    assert message(convert_images_to_hdf5, "list.txt", "out") == (
        "'out.h5' exists; give another name, or force its replacement"
    )
    convert_images_to_hdf5("list.txt", "out", ImageOptions(resize=(5, 4), gray=True), force=True)
    assert stored()["data"].shape == (2, 1, 5, 4)


def test_arrays(tmp_path, images):
    np.save("data.npy", images)
    np.save("y.npy", np.arange(70) / 2)
    np.savez("more.npz", clip=np.ones((70, 1), bool))
    report = convert_arrays_to_hdf5(read_arrays(["data.npy", "label=y.npy", "more.npz"]), "out")
    assert report.written == 70 and (tmp_path / "out.txt").read_text() == "out.h5\n"
    data = stored()
    assert sorted(data) == ["clip", "data", "label"]
    assert np.array_equal(data["data"], images) and np.array_equal(data["label"], np.arange(70) / 2)


def test_errors_of_arrays(tmp_path, images):
    np.save("data.npy", images)
    np.save("label.npy", np.arange(3))
    np.savez("more.npz", data=np.ones(3))
    (tmp_path / "bad.npy").write_text("no array")
    assert message(read_arrays, ["gone.npy"]) == f"'gone.npy' does not exist (looked in {tmp_path})"
    assert message(read_arrays, ["0.png"]) == "'0.png' is neither .npy nor .npz; several sources must be arrays"
    assert message(read_arrays, ["data.npy", "more.npz"]) == (
        "the array 'data' comes twice; give another name, as NAME=FILE"
    )
    assert message(read_arrays, ["x=more.npz"]) == (
        "'x=more.npz': an .npz file names its arrays itself; leave out 'x='"
    )
    assert message(read_arrays, ["bad.npy"]).startswith("'bad.npy' cannot be read as arrays: ")
    arrays = read_arrays(["data.npy", "label.npy"])
    assert message(convert_arrays_to_hdf5, arrays, "out") == (
        "the arrays differ in their number of rows: 'data' 70, 'label' 3"
    )
    assert message(convert_arrays_to_hdf5, {"a": np.array(["x"])}, "out") == "the array 'a' holds <U1, not numbers"
    assert message(convert_arrays_to_hdf5, {"a": np.array(1)}, "out") == "the array 'a' has no rows (shape ())"
    assert message(convert_arrays_to_hdf5, {}, "out") == "no arrays came; give .npy or .npz files"
    assert message(convert_arrays_to_hdf5, arrays, "no/out") == (
        "cannot write 'no/out.h5': the folder 'no' does not exist; make it first"
    )
    assert not (tmp_path / "out.h5").exists()
