"""A sum with a ReLU: the fast body is the plain one, which is the two in a row."""

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.ops.eltwise_relu import sum_relu, sum_relu_backward


@pytest.mark.parametrize("backend", [Backend(), CpuBackend()], ids=lambda b: b.name)
@pytest.mark.parametrize("shape", [(0,), (3, 5), (7, 40, 333)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sum_and_relu(dtype, shape, backend):
    rng = np.random.default_rng(0)
    a, b, dy = rng.standard_normal((3, *shape)).astype(dtype)
    y, da, db = np.empty_like(a), np.empty_like(a), np.empty_like(a)
    sum_relu(backend, a, b, y)
    np.testing.assert_array_equal(y, np.maximum(a + b, 0))
    above = dy.copy()
    sum_relu_backward(backend, y, above, (), da, db)
    for gradient in (above, da, db):
        np.testing.assert_array_equal(gradient, dy * (a + b > 0))
    sum_relu_backward(backend, y, above, (a, dy), None, db)
    for gradient in (above, db):
        np.testing.assert_array_equal(gradient, (a + dy) * (a + b > 0))


@pytest.mark.parametrize("backend", [Backend(), CpuBackend()], ids=lambda b: b.name)
def test_nan_stays_nan(backend):
    y = np.empty(5, np.float32)
    sum_relu(backend, np.full(5, np.nan, np.float32), np.ones(5, np.float32), y)
    assert np.isnan(y).all()
