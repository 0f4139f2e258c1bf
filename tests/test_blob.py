"""Blob: memory at first touch, kept through reshapes, shared where told so."""

import numpy as np
import pytest

from cafpy.backend import Backend
from cafpy.blob import Blob
from cafpy.errors import NetError


class Counting(Backend):
    """A backend that remembers what it was asked to allocate."""

    def __init__(self):
        self.allocated = []

    def zeros(self, shape, dtype):
        self.allocated.append(shape)
        return super().zeros(shape, dtype)


@pytest.fixture
def backend():
    return Counting()


def test_memory_is_taken_at_first_touch(backend):
    blob = Blob(backend, (2, 3))
    assert (blob.shape, blob.count, blob.ndim) == ((2, 3), 6, 2)
    assert not backend.allocated
    assert blob.data.tolist() == [[0, 0, 0], [0, 0, 0]]
    assert backend.allocated == [6]
    assert blob.diff.shape == (2, 3)
    assert backend.allocated == [6, 6]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype(dtype):
    blob = Blob(Backend(), (2,), dtype)
    assert blob.data.dtype == blob.diff.dtype == blob.dtype == dtype


def test_a_blob_without_axes_holds_one_number(backend):
    blob = Blob(backend)
    blob.data[...] = 4
    assert (blob.shape, blob.count, float(blob.data)) == ((), 1, 4)


def test_a_blob_may_be_empty(backend):
    blob = Blob(backend, (0, 3))
    assert blob.count == 0
    assert blob.data.shape == blob.diff.shape == (0, 3)


def test_the_same_array_as_long_as_nothing_changes(backend):
    blob = Blob(backend, (2, 3))
    assert blob.data is blob.data
    assert blob.diff is blob.diff


def test_reshape_keeps_memory_that_suffices(backend):
    blob = Blob(backend, (4, 3))
    blob.data[...] = np.arange(12).reshape(4, 3)
    before = blob.data
    blob.reshape((2, 3))
    assert blob.data.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert np.shares_memory(blob.data, before)
    blob.reshape((3, 4))
    assert blob.data.ravel().tolist() == list(range(12))
    assert backend.allocated == [12]
    blob.reshape((5, 3))
    assert blob.data.shape == (5, 3)
    assert backend.allocated == [12, 15]


def test_reshape_takes_any_integers(backend):
    blob = Blob(backend, (np.int64(2), 3))
    assert [type(n) for n in blob.shape] == [int, int]


def test_shared_data_is_one_memory(backend):
    a, b = Blob(backend, (2, 3)), Blob(backend, (3, 2))
    b.share_data(a)
    a.data[...] = 1
    b.data[0] = 7
    assert a.data.ravel().tolist() == [7, 7, 1, 1, 1, 1]
    assert not np.shares_memory(a.diff, b.diff)
    b.share_diff(a)
    assert np.shares_memory(a.diff, b.diff)


def test_sharing_outlives_growth(backend):
    a, b = Blob(backend, (2,)), Blob(backend, (2,))
    b.share_data(a)
    seen = a.data, b.data
    a.reshape((50,))
    a.data[...] = 5
    b.reshape((50,))
    assert b.data.tolist() == [5] * 50
    assert not any(np.shares_memory(view, a.data) for view in seen)


def test_sharing_after_the_views_were_made(backend):
    a, b = Blob(backend, (2,)), Blob(backend, (2,))
    a.data[...], b.data[...] = 1, 2
    b.share_data(a)
    assert b.data.tolist() == [1, 1]


def test_move_to_an_arena_keeps_values_and_sharing(backend):
    a, b = Blob(backend, (2, 2)), Blob(backend, (2, 2))
    b.share_data(a)
    a.data[...] = [[1, 2], [3, 4]]
    a.diff[...] = 9
    data, diff = np.zeros(10, np.float32), np.zeros(10, np.float32)
    a.move_to(data[3:7], diff[3:7])
    assert data.tolist() == [0, 0, 0, 1, 2, 3, 4, 0, 0, 0]
    assert diff[3:7].tolist() == [9] * 4
    b.data[...] = 8
    assert data[3:7].tolist() == [8] * 4


def test_repr(backend):
    assert repr(Blob(backend, (2, 3))) == "Blob(2 3 (6), float32, cpu (plain))"


@pytest.mark.parametrize(("shape", "what"), [((-1, 3), "negative"), ((2**40, 2**40), "too large for any memory")])
def test_shapes_that_cannot_be(shape, what):
    blob = Blob(Backend(), (2,))
    with pytest.raises(NetError, match=f"^the shape {shape[0]}×{shape[1]} is {what}; look at the options"):
        blob.reshape(shape)
    assert (blob.shape, blob.count) == ((2,), 2)
