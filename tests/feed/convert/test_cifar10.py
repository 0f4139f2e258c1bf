import pickle
import tarfile

import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.backends import open_database
from cafpy.feed.convert.cifar10 import CLASSES, convert_cifar10
from cafpy.feed.datum import datum_to_image, parse_datum
from cafpy.feed.image import encode_image

PER_BATCH = 4


@pytest.fixture
def batches(tmp_path, monkeypatch, pixels):
    """Images and labels of the five training batches and the test batch, four images each."""
    monkeypatch.chdir(tmp_path)
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    return {name: (pixels(PER_BATCH, 3, 32, 32), np.array([i, 9, 0, i])) for i, name in enumerate(names)}


def binary(batches, folder):
    folder.mkdir()
    for name, (images, labels) in batches.items():
        rows = np.concatenate([labels[:, None].astype(np.uint8), images.reshape(PER_BATCH, -1)], axis=1)
        (folder / f"{name}.bin").write_bytes(rows.tobytes())


def python(batches, folder):
    folder.mkdir()
    for name, (images, labels) in batches.items():
        batch = {b"data": images.reshape(PER_BATCH, -1), b"labels": labels.tolist(), b"batch_label": b"x"}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    (folder / "batches.meta").write_bytes(b"not needed")


def records(path):
    with open_database(path) as database:
        items = [database.record(i) for i in range(len(database))]
        parsed = [(key, parse_datum(value)) for key, value in items]
    images = np.stack([datum_to_image(datum) for _, datum in parsed])
    return [key for key, _ in parsed], images, [datum.label for _, datum in parsed]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("version", [binary, python])
def test_published_archives(tmp_path, batches, version, packed):
    version(batches, tmp_path / "cifar")
    source = "cifar"
    if packed:
        source = "cifar.tar.gz"
        with tarfile.open(source, "w:gz") as archive:
            archive.add("cifar")
    train, test = convert_cifar10(source, "train_db", "test_db")
    assert (train.written, test.written, train.labels) == (20, 4, list(CLASSES))
    keys, images, labels = records("train_db")
    assert keys == [f"{i:05d}".encode() for i in range(20)]
    wanted = [batches[f"data_batch_{i}"] for i in range(1, 6)]
    np.testing.assert_array_equal(images, np.concatenate([images for images, _ in wanted]))
    np.testing.assert_array_equal(labels, np.concatenate([labels for _, labels in wanted]))
    _, images, labels = records("test_db")
    np.testing.assert_array_equal(images, batches["test_batch"][0])
    assert labels == [5, 9, 0, 5]


def test_image_files_in_folders(tmp_path, batches, pixels):
    made = {}
    for part in ("train", "test"):
        for label, name in enumerate(CLASSES):
            folder = tmp_path / "images" / "cifar10" / part / name
            folder.mkdir(parents=True)
            image = pixels(3, 32, 32)
            (folder / "1.png").write_bytes(encode_image(image[::-1], "png"))
            made[part, label] = image
    (tmp_path / "images" / "readme.txt").write_text("about")
    convert_cifar10("images", "train_db", "test_db")
    for part in ("train", "test"):
        _, images, labels = records(f"{part}_db")
        assert sorted(labels) == list(range(10)) and labels != sorted(labels)
        for image, label in zip(images, labels, strict=True):
            np.testing.assert_array_equal(image, made[part, label])  # red, green, blue


def test_python_batches_run_no_code(tmp_path, batches):
    class Evil:
        def __reduce__(self):
            return (print, ("ran",))

    python(batches, tmp_path / "cifar")
    (tmp_path / "cifar" / "data_batch_2").write_bytes(pickle.dumps({b"data": Evil()}))
    with pytest.raises(DataError) as error:
        convert_cifar10("cifar", "train_db", "test_db")
    assert str(error.value) == "a CIFAR file asks for builtins.print, which no such file needs; it is not used"


def test_sources_that_are_not_cifar10(tmp_path, batches):
    def message(source="cifar") -> str:
        with pytest.raises(DataError) as error:
            convert_cifar10(source, "train_db", "test_db")
        return str(error.value)

    assert message() == f"'cifar' does not exist (looked in {tmp_path})"
    binary(batches, tmp_path / "cifar")
    (tmp_path / "cifar" / "data_batch_1.bin").write_bytes(b"x" * 3074)
    assert message() == "data_batch_1.bin has 3,074 bytes, which is no multiple of 3073; fetch it again"
    (tmp_path / "cifar" / "data_batch_1.bin").write_bytes(b"x" * 3073)
    assert message() == "data_batch_1.bin holds the labels 120 to 120, not 0 to 9; is it CIFAR-10?"
    (tmp_path / "cifar" / "data_batch_1.bin").unlink()
    assert message() == "'cifar' lacks data_batch_1.bin; was it fetched whole?"
    (tmp_path / "empty").mkdir()
    assert message("empty") == (
        "'empty' is not CIFAR-10: it holds neither data_batch_1.bin nor data_batch_1 nor train/<class>/<image>"
    )
    (tmp_path / "text").write_text("no archive")
    assert message("text").startswith("'text' cannot be read as an archive: ")
    (tmp_path / "train_db").mkdir()
    (tmp_path / "train_db" / "mine").touch()
    assert message("text") == "'train_db' exists and is no database folder; it will not be replaced. Give another name"


def test_the_subset_of_real_images(shared, tmp_path):
    train, test = convert_cifar10(shared / "data" / "cifar10_subset.tar", tmp_path / "train", tmp_path / "test")
    assert (train.written, test.written) == (5000, 1000)
    assert set(train.counts.values()) == {500} and set(test.counts.values()) == {100}


def test_one_database_for_both_sets_is_refused(tmp_path):
    (tmp_path / "source").mkdir()
    with pytest.raises(DataError, match="is named for the training and for the test set; give each its own database"):
        convert_cifar10(tmp_path / "source", tmp_path / "out", tmp_path / "x" / ".." / "out", force=True)
