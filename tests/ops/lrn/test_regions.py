"""LRN: the CPU's bodies are the plain ones, and the gradient is that of forward."""

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.ops.lrn.regions import lrn, lrn_backward


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("within", [False, True], ids=["across", "within"])
@pytest.mark.parametrize("beta", [0.75, 0.5, 1.0, 2.3])
@pytest.mark.parametrize("shape", [(2, 7, 5, 6), (1, 3, 1, 1), (3, 33, 20, 17), (2, 1, 9, 40)])
@pytest.mark.parametrize("size", [1, 5, 11])
def test_fast_is_plain(size, shape, beta, within, dtype):
    rng = np.random.default_rng(0)
    x, dy = (4 * rng.standard_normal(shape)).astype(dtype), rng.standard_normal(shape).astype(dtype)
    results = []
    for backend in (Backend(), CpuBackend()):
        y, dx = (np.full_like(x, np.nan) for _ in range(2))
        lrn(backend, x, y, size, within, 0.3 / size, beta, 1.5)
        lrn_backward(backend, dy, x, dx, size, within, 0.3 / size, beta, 1.5)
        results.append((y, dx))
    for plain, fast in zip(*results, strict=True):
        np.testing.assert_allclose(
            fast, plain, rtol=0, atol=(2e-6 if dtype is np.float32 else 1e-13) * np.abs(plain).max()
        )


@pytest.mark.parametrize("within", [False, True], ids=["across", "within"])
@pytest.mark.parametrize(("alpha", "k"), [(-0.05, 2.0), (1e-4, 1e-35), (0.0, 1.0)])
def test_odd_options(alpha, k, within):
    """What the roots of a common LRN are not made for: s that shrinks with x, a tiny k."""
    rng = np.random.default_rng(1)
    x, dy = (rng.uniform(0.1, 1, (2, 6, 5, 9)).astype(np.float32) for _ in range(2))
    results = []
    for backend in (Backend(), CpuBackend()):
        y, dx = np.empty_like(x), np.empty_like(x)
        lrn(backend, x, y, 3, within, alpha, 0.75, k)
        lrn_backward(backend, dy, x, dx, 3, within, alpha, 0.75, k)
        results.append((y, dx))
    for plain, fast in zip(*results, strict=True):
        np.testing.assert_allclose(fast, plain, rtol=0, atol=4e-6 * np.abs(plain).max())


@pytest.mark.parametrize("within", [False, True], ids=["across", "within"])
@pytest.mark.parametrize("beta", [0.75, 0.6])
def test_nan_spreads_over_windows_and_the_huge_shrinks_to_zero(beta, within):
    x = np.ones((1, 9, 9, 20), np.float32)
    x[0, 4, 4, 3], x[0, 4, 4, 12] = np.nan, 1e25
    y, plain = np.empty_like(x), np.empty_like(x)
    lrn(CpuBackend(), x, y, 3, within, 1e-4, beta, 1.0)
    with np.errstate(over="ignore"):
        lrn(Backend(), x, plain, 3, within, 1e-4, beta, 1.0)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(plain))
    np.testing.assert_allclose(y, plain, rtol=1e-5, atol=1e-3)
    assert not np.isnan(y[0, 4, 4, 12])


def test_backward_may_work_in_place():
    rng = np.random.default_rng(2)
    x, dy = (rng.standard_normal((2, 40, 9, 33)).astype(np.float32) for _ in range(2))
    for within in (False, True):
        dx = np.empty_like(x)
        lrn_backward(CpuBackend(), dy, x, dx, 5, within, 0.1, 0.75, 1.0)
        same = dy.copy()
        lrn_backward(CpuBackend(), same, x, same, 5, within, 0.1, 0.75, 1.0)
        np.testing.assert_array_equal(same, dx)
