"""LRN: the CPU's bodies are the plain ones, and the gradient is that of forward."""

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.ops.lrn import lrn, lrn_backward


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
        scale, y, dx = (np.full_like(x, np.nan) for _ in range(3))
        lrn(backend, x, scale, y, size, within, 0.3 / size, beta, 1.5)
        lrn_backward(backend, dy, x, scale, dx, size, within, 0.3 / size, beta)
        results.append((y, dx))
    for plain, fast in zip(*results, strict=True):
        np.testing.assert_allclose(
            fast, plain, rtol=0, atol=(2e-6 if dtype is np.float32 else 1e-13) * np.abs(plain).max()
        )
