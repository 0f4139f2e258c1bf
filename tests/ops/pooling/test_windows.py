"""Pooling: the CPU's bodies are the plain ones, over windows of all kinds and on any number of threads."""

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.ops.pooling import windows as pooling
from cafpy.ops.pooling.windows import Windows, max_pool, max_pool_backward, mean_pool, mean_pool_backward


def windows(size, kernel, stride, pad):
    """As many windows as begin inside the map and the padding above it, round_mode CEIL."""
    out = [-(-(n + 2 * p - k) // s) + 1 for n, k, s, p in zip(size, kernel, stride, pad, strict=True)]
    out = [o - ((o - 1) * s >= n + p) for o, n, s, p in zip(out, size, stride, pad, strict=True)]
    return Windows(size, tuple(out), kernel, stride, pad)


WINDOWS = {
    "2x2 stride 2": windows((24, 24), (2, 2), (2, 2), (0, 0)),
    "3x3 stride 2, overhanging": windows((27, 33), (3, 3), (2, 2), (0, 0)),
    "3x3 stride 2 pad 1": windows((28, 17), (3, 3), (2, 2), (1, 1)),
    "3x3 pad 1": windows((15, 19), (3, 3), (1, 1), (1, 1)),
    "5x5 stride 3 pad 2": windows((31, 40), (5, 5), (3, 3), (2, 2)),
    "each axis its own": windows((13, 29), (4, 2), (1, 3), (3, 0)),
    "gaps": windows((13, 14), (2, 2), (3, 3), (0, 0)),
    "1x1 stride 2": windows((9, 13), (1, 1), (2, 2), (0, 0)),
    "whole map": windows((7, 9), (7, 9), (1, 1), (0, 0)),
    "few columns": windows((40, 7), (3, 3), (2, 2), (1, 1)),
    "one row": windows((1, 50), (1, 3), (1, 2), (0, 1)),
    "several blocks a map": windows((150, 60), (3, 3), (1, 1), (1, 1)),
}


@pytest.fixture(params=[1, 3])
def threads(request, monkeypatch):
    monkeypatch.setattr(pooling, "_threads", lambda x: request.param)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", WINDOWS)
def test_fast_is_plain(name, dtype, threads):
    w = WINDOWS[name]
    rng = np.random.default_rng(0)
    # few different values, so that there are ties
    x = np.round(rng.standard_normal((2, 5, *w.size)) * 3).astype(dtype)
    dy = rng.standard_normal((2, 5, *w.out)).astype(dtype)
    results = []
    for backend in (Backend(), CpuBackend()):
        y, mean, mask = np.full_like(dy, 7), np.full_like(dy, 7), np.full(dy.shape, 7, np.int32)
        dx, dmean = np.full_like(x, 7), np.full_like(x, 7)
        max_pool(backend, x, y, mask, w)
        max_pool_backward(backend, dy, mask, dx, w)
        mean_pool(backend, x, mean, w)
        mean_pool_backward(backend, dy, dmean, w)
        results.append((y, mask, dx, mean, dmean))
    plain, fast = results
    np.testing.assert_array_equal(fast[0], plain[0])
    np.testing.assert_array_equal(fast[1], plain[1])
    for ours, expected in zip(fast[2:], plain[2:], strict=True):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5 if dtype is np.float32 else 1e-13)


@pytest.mark.parametrize("backend", [Backend(), CpuBackend()], ids=lambda backend: backend.name)
@pytest.mark.parametrize("w", [windows((6, 9), (3, 3), (1, 1), (1, 1)), windows((6, 3), (3, 3), (1, 1), (0, 0))])
def test_largest_of_odd_values(backend, w):
    """NaN is passed on, and is not made of infinities; -inf has a place inside the map, and padding never wins against
    it."""
    for odd in (np.nan, -np.inf, np.inf):
        x = np.full((1, 1, *w.size), -np.inf, np.float32)
        x[0, 0, 2, 2] = odd
        y, mask = np.empty((1, 1, *w.out), np.float32), np.empty((1, 1, *w.out), np.int32)
        max_pool(backend, x, y, mask, w)
        assert ((mask >= 0) & (mask < x.size)).all()
        np.testing.assert_array_equal(y[0, 0], x.reshape(-1)[mask][0, 0])
        assert np.isnan(y).any() == np.isnan(odd)
