import pickle
import tarfile

import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.backends import open_database
from cafpy.feed.convert.cifar100 import convert_cifar100
from cafpy.feed.datum import datum_to_image, parse_datum

FINE = [f"class{i}" for i in range(100)]
COARSE = [f"group{i}" for i in range(20)]


@pytest.fixture
def parts(tmp_path, monkeypatch, pixels):
    """Images, coarse and fine labels of the training and the test set."""
    monkeypatch.chdir(tmp_path)
    return {
        "train": (pixels(5, 3, 32, 32), np.array([0, 19, 3, 3, 4]), np.array([99, 0, 50, 7, 8])),
        "test": (pixels(2, 3, 32, 32), np.array([1, 2]), np.array([3, 4])),
    }


def binary(parts, folder):
    folder.mkdir()
    for name, (images, coarse, fine) in parts.items():
        rows = np.concatenate([coarse[:, None], fine[:, None], images.reshape(len(images), -1)], axis=1)
        (folder / f"{name}.bin").write_bytes(rows.astype(np.uint8).tobytes())
    (folder / "fine_label_names.txt").write_text("\n".join(FINE) + "\n\n")
    (folder / "coarse_label_names.txt").write_text("\n".join(COARSE) + "\n")


def python(parts, folder):
    folder.mkdir()
    for name, (images, coarse, fine) in parts.items():
        batch = {
            b"data": images.reshape(len(images), -1),
            b"coarse_labels": coarse.tolist(),
            b"fine_labels": fine.tolist(),
        }
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    meta = {b"fine_label_names": [n.encode() for n in FINE], b"coarse_label_names": [n.encode() for n in COARSE]}
    (folder / "meta").write_bytes(pickle.dumps(meta, protocol=2))


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("version", [binary, python])
def test_published_archives(tmp_path, parts, version, coarse):
    version(parts, tmp_path / "cifar")
    with tarfile.open("cifar.tar.gz", "w:gz") as archive:
        archive.add("cifar")
    train, test = convert_cifar100("cifar.tar.gz", "train_db", "test_db", coarse=coarse)
    assert (train.written, test.written, train.labels) == (5, 2, COARSE if coarse else FINE)
    with open_database("train_db") as database:
        datums = [parse_datum(database.record(i)[1]) for i in range(5)]
    images, groups, classes = parts["train"]
    assert [datum.label for datum in datums] == (groups if coarse else classes).tolist()
    assert np.array_equal(np.stack([datum_to_image(datum) for datum in datums]), images)


def message(source) -> str:
    with pytest.raises(DataError) as error:
        convert_cifar100(source, "a", "b")
    return str(error.value)


def test_errors(tmp_path, parts):
    assert message("none") == f"'none' does not exist (looked in {tmp_path})"
    (tmp_path / "cifar").mkdir()
    assert message("cifar") == "'cifar' is not CIFAR-100, or not whole: it lacks train, test"
    (tmp_path / "cifar" / "train.bin").write_bytes(b"123")
    assert message("cifar") == "'cifar' is not CIFAR-100, or not whole: it lacks test.bin"
    (tmp_path / "cifar" / "test.bin").write_bytes(b"123")
    assert message("cifar") == "train.bin has 3 bytes, which is no multiple of 3074; fetch it again"
    (tmp_path / "cifar" / "train.bin").write_bytes(bytes([1, 100]) + bytes(3072))
    assert message("cifar") == "train.bin holds the fine labels 100 to 100, not 0 to 99; is it CIFAR-100?"
