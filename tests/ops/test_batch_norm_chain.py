"""BatchNorm, Scale and ReLU as one routine: it is the single routines in a row, and the fast body is the plain one."""

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.ops.batch_norm import normalise, normalise_backward, running_scale
from cafpy.ops.batch_norm_chain import BACKWARD_ROWS, FORWARD_ROWS, normalise_scale, normalise_scale_backward

PLAIN, FAST = Backend(), CpuBackend()
SHAPES = [(3, 4, 50), (2, 7, 49), (5, 3, 1), (4, 16, 3000)]
EPS = np.array([1e-3, 0])


def forward_table(channels, slope):
    table = np.random.default_rng(1).standard_normal((FORWARD_ROWS, channels))
    table[2], table[3], table[4] = slope, EPS[0], EPS[1]
    return table


@pytest.mark.parametrize("backend", [PLAIN, FAST], ids=lambda b: b.name)
@pytest.mark.parametrize("slope", [1.0, 0.0, 0.25])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_forward_is_the_single_routines(shape, slope, backend):
    x = 3 + np.random.default_rng(0).standard_normal(shape)
    table, statistics = forward_table(shape[1], slope), np.empty((3, shape[1]))
    normal = np.empty(shape)
    normalise(PLAIN, x, EPS, statistics, None, normal)
    wanted = normal * table[0][:, None] + table[1][:, None]
    wanted[wanted < 0] *= slope
    for in_place in (False, True):
        ours, kept, source = np.full((3, shape[1]), np.nan), np.empty(shape), x.copy()
        y = source if in_place else np.empty(shape)
        normalise_scale(backend, source, ours, table, False, kept if in_place else None, y)
        np.testing.assert_allclose(y, wanted, atol=1e-10)
        np.testing.assert_allclose(ours, statistics, atol=1e-10)
        if in_place:
            np.testing.assert_allclose(kept, normal, atol=1e-10)


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("slope", [1.0, 0.0, 0.25])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_backward_is_the_derivative(shape, slope, constant, in_place):
    """Against central differences, at a few places."""
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, *shape))
    forward, statistics = forward_table(shape[1], slope), np.empty((3, shape[1]))
    statistics[0], statistics[2] = 0.3, 1.7

    def loss():
        y = np.empty(shape)
        normalise_scale(PLAIN, x, statistics, forward, constant, None, y)
        return float((y * dy).sum())

    loss()
    table = np.zeros((BACKWARD_ROWS, shape[1]))
    table[0], table[2] = (0, statistics[0]) if constant else (statistics[0], 0)
    table[1], table[3], table[4], table[5] = statistics[2], forward[0], forward[1], slope
    table[6], table[7] = forward[0] * statistics[2], forward[0]
    for backend in (PLAIN, FAST):
        rows, above = table.copy(), dy.copy()
        dx = above if in_place else np.empty(shape)
        normalise_scale_backward(backend, x, rows, constant, above, dx)
        if backend is PLAIN:
            plain = rows, above, dx
        for ours, theirs in zip((rows, above, dx), plain, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-9)
    if x.size > 2000:
        return  # of so many values some are so near the ReLU's kink that a difference steps over it
    for index in rng.integers(0, x.size, 5):
        _matches(loss, x.reshape(-1), index, plain[2].reshape(-1)[index])
    for channel in range(shape[1]):
        _matches(loss, forward[1], channel, plain[0][0][channel])
        _matches(loss, forward[0], channel, plain[0][1][channel])


def _matches(loss, values, index, gradient):
    step, before = 1e-5, values[index]
    values[index] = before + step
    above = loss()
    values[index] = before - step
    numeric = (above - loss()) / (2 * step)
    values[index] = before
    loss()
    assert numeric == pytest.approx(gradient, rel=1e-3, abs=1e-3)


def test_what_in_place_layers_leave_in_the_tops_gradient():
    shape = (2, 3, 40)
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, *shape))
    table = np.zeros((BACKWARD_ROWS, 3))
    table[1], table[3], table[5], table[6], table[7] = 1, 1, 0, 2, 5
    for backend in (PLAIN, FAST):
        above, dx = dy.copy(), np.empty(shape)
        normalise_scale_backward(backend, x, table.copy(), False, above, dx)
        np.testing.assert_allclose(above, np.where(x > 0, 5 * dy, 0))


def test_equal_values_have_no_variance():
    x = np.full((4, 2, 300), 1e4, np.float32)
    statistics, table = np.empty((3, 2), np.float32), np.zeros((FORWARD_ROWS, 2), np.float32)
    table[0], table[2], table[3] = 1, 1, 1e-5
    normalise_scale(FAST, x, statistics, table, False, None, np.empty_like(x))
    assert (statistics[1] == 0).all()


def test_gradient_of_batch_norm_alone():
    shape = (3, 2, 100)
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, *shape))
    statistics, wanted, dx = np.empty((3, 2)), np.empty(shape), np.empty(shape)
    normalise(PLAIN, x, EPS, statistics, None, np.empty(shape))
    normalise_backward(PLAIN, x, statistics, None, dy, wanted)
    table = np.zeros((BACKWARD_ROWS, 2))
    table[0], table[1], table[3], table[5], table[6], table[7] = statistics[0], statistics[2], 1, 1, statistics[2], 1
    normalise_scale_backward(FAST, x, table, False, dy, dx)
    np.testing.assert_allclose(dx, wanted, atol=1e-12)


@pytest.mark.parametrize("weight", [0, 1, 2.5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_running_sums(dtype, weight):
    rng = np.random.default_rng(0)
    means, variances = rng.standard_normal(37).astype(dtype), rng.uniform(0, 2, 37).astype(dtype)
    plain, fast = np.full((3, 37), np.nan, dtype), np.full((3, 37), np.nan, dtype)
    for backend, statistics in ((Backend(), plain), (CpuBackend(), fast)):
        running_scale(backend, means, variances, np.full(1, weight, dtype), np.array([1e-5, 0], dtype), statistics)
    np.testing.assert_array_equal(fast, plain)
    variance = variances / weight if weight else 0 * variances
    np.testing.assert_allclose(plain[2], 1 / np.sqrt(variance + 1e-5), rtol=1e-6)
    np.testing.assert_allclose(plain[0], -(means / weight if weight else 0 * means) * plain[2], rtol=1e-6)
