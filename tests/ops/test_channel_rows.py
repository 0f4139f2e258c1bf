"""Channels of all images, sixteen positions at a time: sums and values of maps of any length, and nothing beyond."""

import numpy as np
import pytest

from cafpy.ops.channel_rows import gradient_rows, gradient_sums, normalise_rows, sum_and_squares
from cafpy.ops.kernel.threaded import NO_INDICES, threaded

ITEMS, CHANNELS, C = 3, 4, 2
MINUS, BY, PLUS, FACTOR, SHIFT, SLOPE, OUTER, INNER, MEAN, MEAN_V = 0.5, 2.0, 0.25, -1.5, 0.3, 0.1, 0.7, 3.0, 0.2, 0.4


@threaded
def forward(thread, threads, numbers, indices, x, o, sums, kept, y):
    start, stride, positions = numbers[0], numbers[1], numbers[2]
    sums[0], sums[1] = sum_and_squares(x, start, ITEMS, stride, positions, 0.5)
    normalise_rows(
        x, start, ITEMS, stride, positions, o[0], o[1], o[2], o[3], o[4], o[5], kept, numbers[3] != 0, y
    )  # fmt: skip


@threaded
def backward(thread, threads, numbers, indices, source, o, sums, dy, dx):
    start, stride, positions = numbers[0], numbers[1], numbers[2]
    total = gradient_sums(source, start, ITEMS, stride, positions, o[0], o[1], o[2], o[3], o[4], o[5], dy)
    sums[0], sums[1] = total
    gradient_rows(
        source, start, ITEMS, stride, positions, o[0], o[1], o[2], o[3], o[4], o[5], o[6], o[7], o[8], o[9],
        dy, numbers[3] != 0, dx,
    )  # fmt: skip


def case(positions, dtype):
    rng = np.random.default_rng(positions)
    x, dy = (rng.standard_normal((ITEMS, CHANNELS, positions)).astype(dtype) for _ in range(2))
    options = np.array([MINUS, BY, PLUS, FACTOR, SHIFT, SLOPE, OUTER, INNER, MEAN, MEAN_V], dtype)
    v = (x.astype(np.float64) - MINUS) * BY + PLUS
    return x, dy, options, v, 1e-5 if dtype is np.float32 else 1e-12


def only_c(inside, outside):
    """``outside`` everywhere but in channel C."""
    expected = np.full(inside.shape, outside, np.float64)
    expected[:, C] = inside[:, C]
    return expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("positions", [2, 15, 16, 17, 49, 100])
@pytest.mark.parametrize("keep", [0, 1])
def test_forward(positions, keep, dtype):
    x, _, options, v, error = case(positions, dtype)
    kept, y, sums = np.full_like(x, 7), np.full_like(x, 7), np.zeros(2, dtype)
    numbers = np.array([C * positions, CHANNELS * positions, positions, keep])
    forward(1, numbers, NO_INDICES, x, options, sums, kept, y)
    value = v * FACTOR + SHIFT
    np.testing.assert_allclose(y, only_c(np.where(value > 0, value, SLOPE * value), 7), rtol=0, atol=10 * error)
    np.testing.assert_allclose(kept, only_c(v, 7) if keep else 7, rtol=0, atol=10 * error)
    difference = x[:, C].astype(np.float64) - 0.5
    np.testing.assert_allclose(sums, [difference.sum(), (difference**2).sum()], rtol=error)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("positions", [2, 15, 16, 17, 49, 100])
@pytest.mark.parametrize("apart", [0, 1])
def test_backward(positions, apart, dtype):
    x, dy, options, v, error = case(positions, dtype)
    above, sums = dy.copy(), np.zeros(2, dtype)
    dx = np.full_like(x, 7) if apart else above
    numbers = np.array([C * positions, CHANNELS * positions, positions, apart])
    backward(1, numbers, NO_INDICES, x, options, sums, above, dx)
    g = np.where(v * FACTOR + SHIFT > 0, dy, SLOPE * dy)
    expected = OUTER * (g - MEAN - v * MEAN_V)
    if apart:
        np.testing.assert_allclose(dx, only_c(expected, 7), rtol=0, atol=10 * error)
        expected = INNER * g
    others = np.arange(CHANNELS) != C
    np.testing.assert_array_equal(above[:, others], dy[:, others])
    np.testing.assert_allclose(above[:, C], expected[:, C], rtol=0, atol=10 * error)
    np.testing.assert_allclose(sums, [g[:, C].sum(), (g * v)[:, C].sum()], rtol=100 * error)
