"""The fake device computes what numpy computes and refuses what a GPU refuses or is slowed down by."""

import numpy as np
import pytest

from cafpy.errors import DataError, LayerError
from cafpy.testing.fake_device import FakeBackend

backend = FakeBackend()
xp = backend.xp


def on_device(values):
    host = np.asarray(values, np.float32)
    array = backend.zeros(host.shape, host.dtype)
    backend.upload(array, host)
    return array


def values(array):
    return backend.to_host(array).tolist()


@pytest.fixture
def x():
    return on_device([[0, 1, 2], [3, 4, 5]])


@pytest.fixture
def host():
    return np.ones((2, 3), np.float32)


@pytest.mark.parametrize(
    ("compute", "wanted"),
    [
        (lambda x: x + 1, [[1, 2, 3], [4, 5, 6]]),
        (lambda x: 1 - x, [[1, 0, -1], [-2, -3, -4]]),
        (lambda x: np.float32(2) * -x, [[0, -2, -4], [-6, -8, -10]]),
        (lambda x: x % 2, [[0, 1, 0], [1, 0, 1]]),
        (lambda x: (x > 3) & (x < 5), [[False, False, False], [False, True, False]]),
        (lambda x: x.sum(), 15),
        (lambda x: x[1, 2], 5),
        (lambda x: x[:, 1:].T, [[1, 4], [2, 5]]),
        (lambda x: x @ x.T, [[5, 14], [14, 50]]),
        (lambda x: xp.maximum(x, 2), [[2, 2, 2], [3, 4, 5]]),
        (lambda x: xp.where(x > 2, x, 0), [[0, 0, 0], [3, 4, 5]]),
        (lambda x: xp.concatenate([x, x[:1]]), [[0, 1, 2], [3, 4, 5], [0, 1, 2]]),
        (lambda x: x[xp.asarray([1, 0])], [[3, 4, 5], [0, 1, 2]]),
        (lambda x: xp.split(x, 2)[1], [[3, 4, 5]]),
        (lambda x: xp.vectorize(lambda a: a + 1)(x), [[1, 2, 3], [4, 5, 6]]),
        (lambda x: xp.linalg.norm(x[0]) ** 2, pytest.approx(5)),
    ],
)
def test_computes(x, compute, wanted):
    assert values(compute(x)) == wanted


def test_results_stay_on_the_device(x):
    for result in (x.sum(), x[0, 0], x.max(), xp.allclose(x, x), x == x):
        assert isinstance(result, xp.ndarray)


def test_writes(x):
    x *= 2
    x[0] = 7
    x[x > 8] = 0
    x[1, 1:] = x[0, 1:]
    xp.add(x, 1, out=x)
    xp.add.at(x, (xp.asarray([0, 0]), xp.asarray([0, 0])), 1)
    assert values(x) == [[10, 8, 8], [7, 8, 8]]


def test_views_share_memory(x):
    flat = x.reshape(-1)
    flat[0] = 9
    element = x[0, 0]
    element[...] += 1
    assert values(x)[0] == [10, 1, 2]


def test_new_memory_holds_no_zeros():
    assert np.isnan(backend.to_host(xp.empty((2,), np.float32))).all()
    assert backend.to_host(xp.empty((2,), np.int32)).min() > 1e9


@pytest.mark.parametrize(
    "mix",
    [
        lambda x, host: x + host,
        lambda x, host: host + x,
        lambda x, host: np.array(2.0) * x,
        lambda x, host: x.__iadd__(host),
        lambda x, host: host.__iadd__(x),
        lambda x, host: host @ x.T,
        lambda x, host: x > host,
        lambda x, host: xp.add(x, host),
        lambda x, host: xp.add(x, 1, out=host),
        lambda x, host: xp.stack([x, host]),
        lambda x, host: xp.where(host > 0, x, 0),
        lambda x, host: x[host > 0],
        lambda x, host: x[[0, 1]],
        lambda x, host: x.dot(host.T),
        lambda x, host: x.__setitem__(..., host),
        lambda x, host: host.__setitem__(..., x),
        lambda x, host: np.exp(x),
        lambda x, host: np.add(host, x),
        lambda x, host: np.sum(x),
        lambda x, host: np.concatenate([x]),
        lambda x, host: np.copyto(host, x),
    ],
)
def test_host_arrays_are_refused(x, host, mix):
    with pytest.raises(TypeError):
        mix(x, host)


@pytest.mark.parametrize(
    "trip",
    [
        lambda x: float(x[0, 0]),
        lambda x: int(x[0, 0]),
        lambda x: bool(x[0, 0]),
        lambda x: complex(x[0, 0]),
        lambda x: np.asarray(x),
        lambda x: np.float32(x[0, 0]),
        lambda x: x.item(),
        lambda x: x.tolist(),
        lambda x: x.get(),
        lambda x: list(x),
        lambda x: max(x[0, 0], x[0, 1]),
        lambda x: 1.0 in x,
        lambda x: range(x[0, 0]),
        lambda x: "ab"[x[0, 0]],
        lambda x: xp.zeros(x[0, 0]),
        lambda x: x[x > 0],
        lambda x: x.__setitem__(x > 0, x[0]),
        lambda x: xp.nonzero(x),
        lambda x: xp.where(x > 0),
        lambda x: xp.unique(x),
    ],
)
def test_trips_to_the_host_are_refused(x, trip):
    with pytest.raises(TypeError):
        trip(x)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: xp.errstate(),
        lambda x: xp.random,
        lambda x: xp.cumulative_sum(x),
        lambda x: x.newbyteorder(),
        lambda x: xp.sum(x, where=x > 0),
        lambda x: xp.add(x, 1, where=x > 0),
        lambda x: xp.max(x, initial=0),
        lambda x: x.sum(where=x > 0),
        lambda x: xp.add.reduce(x, initial=0),
        lambda x: xp.take(x, xp.asarray([0]), mode="clip"),
        lambda x: xp.einsum("ij,ij->i", x, x, out=x[:, 0]),
    ],
)
def test_what_cupy_has_not_is_refused(x, call):
    with pytest.raises((AttributeError, TypeError)):
        call(x)


def test_a_message_says_what_to_do(x, host):
    with pytest.raises(TypeError) as error:
        xp.add(x, host)
    assert str(error.value) == (
        "xp.add: a host array of shape (2, 3) meets device arrays; make it with xp or backend.zeros, "
        "or copy it in reshape with backend.upload"
    )


def test_the_doors(x, host):
    copy = backend.to_host(x)
    copy[...] = 0
    assert values(x)[1] == [3, 4, 5]
    with pytest.raises(TypeError):
        backend.upload(host, host)
    with pytest.raises(TypeError):
        backend.upload(x, x)
    with pytest.raises(TypeError):
        backend.to_host(host)
    with pytest.raises(ValueError, match=r"the device array has shape \(2, 3\), the host array \(3, 2\)"):
        backend.upload(x, host.T)


def test_require_is_answered_later(x):
    backend.require((x >= 0).all(), lambda: "never")
    backend.require((x > 3).all(), lambda: "some are small", LayerError)
    backend.require((x > 4).all(), lambda: "second")
    with pytest.raises(LayerError, match="some are small"):
        backend.raise_pending()
    backend.raise_pending()
    backend.require((x > 4).all(), lambda: "bad data")
    with pytest.raises(DataError, match="bad data"):
        backend.raise_pending()
    with pytest.raises(TypeError):
        backend.require(True, lambda: "on the host")
