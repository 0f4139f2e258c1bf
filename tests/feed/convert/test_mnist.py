import gzip

import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.backends import open_database
from cafpy.feed.convert.mnist import convert_mnist
from cafpy.feed.datum import datum_to_image, parse_datum


def idx(array) -> bytes:
    return b"\0\0\x08" + bytes([array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


@pytest.fixture
def files(tmp_path, monkeypatch, pixels):
    """Contents of the files images and labels: six images of 4×5."""
    monkeypatch.chdir(tmp_path)
    content = {"images": idx(pixels(6, 4, 5)), "labels": idx(np.arange(6, dtype=np.uint8))}
    for name, value in content.items():
        (tmp_path / name).write_bytes(value)
    return content


def message() -> str:
    with pytest.raises(DataError) as error:
        convert_mnist("images", "labels", "db")
    return str(error.value)


@pytest.mark.parametrize("packed", [False, True])
def test_records(files, tmp_path, packed):
    if packed:
        for name, value in files.items():
            (tmp_path / name).write_bytes(gzip.compress(value))
    report = convert_mnist("images", "labels", "db")
    assert (report.written, report.shapes) == (6, {(1, 4, 5): 6})
    with open_database("db") as database:
        key, value = database.record(5)
        datum = parse_datum(value)
    assert (key, datum.label) == (b"00000005", 5)
    assert datum_to_image(datum).tobytes() == files["images"][-20:]


def test_files_that_are_not_what_they_should_be(files, tmp_path):
    images, labels = tmp_path / "images", tmp_path / "labels"
    for content, text in [
        (
            files["labels"],
            "'images' is no file of images: its magic number is 2049, not 2051; it holds labels; are the two files "
            "swapped?",
        ),
        (
            b"<!DOCTYPE html><html>",
            "'images' is no file of images: its magic number is 1008813135, not 2051; is it the right file?",
        ),
        (b"", "'images' is no file of images: it has 0 bytes"),
        (files["images"][:15], "'images' is damaged: it ends after 15 bytes; fetch it again"),
        (
            files["images"][:-1],
            "'images' is damaged: 6×4×5 images are announced, which make 136 bytes, and there are 135; fetch it again",
        ),
    ]:
        images.write_bytes(content)
        assert message() == text
    images.write_bytes(gzip.compress(files["images"])[:-30])
    assert message().startswith("'images' cannot be unpacked: ")
    images.write_bytes(files["images"])
    labels.write_bytes(idx(np.zeros(5, np.uint8)))
    assert message() == "'images' holds 6 images, but 'labels' 5 labels; do they belong together?"
    labels.unlink()
    assert message() == f"'labels' does not exist (looked in {tmp_path})"
    assert not (tmp_path / "db").exists()


def test_the_published_files(shared, tmp_path):
    folder = shared / "data" / "mnist"
    report = convert_mnist(
        folder / "t10k-images-idx3-ubyte.gz", folder / "t10k-labels-idx1-ubyte.gz", tmp_path / "mnist_test_lmdb"
    )
    assert (report.written, report.shapes, report.counts[7]) == (10_000, {(1, 28, 28): 10_000}, 1028)
