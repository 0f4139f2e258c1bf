import os

import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.backends import open_database
from cafpy.feed.convert.arrays import convert_arrays
from cafpy.feed.convert.split import split_database


def records(path):
    with open_database(path) as database:
        return [(key, bytes(value)) for key, value in map(database.record, range(len(database)))]


@pytest.fixture
def whole(tmp_path, monkeypatch, pixels, backend):
    monkeypatch.chdir(tmp_path)
    convert_arrays(np.stack([pixels(1, 2, 3) for _ in range(20)]), [0, 1] * 10, "db", backend=backend)
    return records("db")


def test_every_record_goes_to_one_of_two(whole, backend):
    first, rest = split_database("db", ["a", "b"], 0.7, seed=2)
    assert (first.counts, rest.counts) == ({0: 7, 1: 7}, {0: 3, 1: 3})
    assert sorted(records("a") + records("b")) == whole
    assert records("a") == sorted(records("a"))
    with open_database("a") as database:
        assert database.backend == backend


def test_errors(whole, make_database, pixels):
    def message(*args, **kwargs):
        with pytest.raises(DataError) as error:
            split_database(*args, **kwargs)
        return str(error.value)

    assert message("db", ["a", "./db"], 0.5, force=True) == ("'./db' is the database that is split; give another name")
    make_database("one", [pixels(1, 2, 3)])
    assert message("one", ["a", "b"], 0.5) == "the database 'one' has 1 records, too few for two parts"
    assert sorted(os.listdir()) == ["db", "one"]
