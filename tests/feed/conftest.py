"""Small databases for the tests of feed/."""

from pathlib import Path

import numpy as np
import pytest

from cafpy.feed.backends import create_database
from cafpy.feed.datum import image_to_datum


@pytest.fixture(scope="session")
def small() -> Path:
    """A small part of the conformance data, in this repository: tests/golden/data."""
    return Path(__file__).parents[1] / "golden" / "data"


@pytest.fixture(params=["LMDB", "LEVELDB"])
def backend(request) -> str:
    if request.param == "LEVELDB":
        pytest.importorskip("plyvel")
    return request.param


@pytest.fixture
def make_database(tmp_path, monkeypatch):
    """A function that writes images (or ready Datum messages) with the labels 0, 1, … to a database of that name, in
    the working directory, and returns its path."""
    monkeypatch.chdir(tmp_path)

    def make(name, images, backend="LMDB"):
        with create_database(name, backend) as database:
            for i, image in enumerate(images):
                datum = image_to_datum(image, i) if isinstance(image, np.ndarray) else image
                database.put(f"{i:08d}".encode(), datum.SerializeToString())
        return name

    return make


@pytest.fixture
def pixels():
    """A function that makes random uint8 images of this shape."""
    rng = np.random.default_rng(5)
    return lambda *shape: rng.integers(0, 256, shape).astype(np.uint8)
