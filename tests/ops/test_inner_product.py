"""Products of two matrices: the CPU's body is the plain one, whatever is transposed and however few rows there are."""

from itertools import product

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.ops import inner_product
from cafpy.ops.inner_product import add_product
from cafpy.ops.kernel.workspace import workspace

SIZES = [
    (1, 1, 1),
    (3, 2, 3000),
    (4, 3, 3000),
    (1, 50, 70),
    (3, 40, 80),
    (5, 4, 3),
    (64, 30, 80),
    (300, 20, 64),
    (70, 90, 1),
    (0, 3, 4),
    (3, 0, 4),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("size", [*SIZES, (3, 4, 0), (5, 7, 0)], ids=str)
def test_fast_is_plain(size, threads, dtype, monkeypatch):
    monkeypatch.setattr(inner_product, "SERIAL", 0)
    monkeypatch.setattr(inner_product.numba, "get_num_threads", lambda: threads)
    m, n, k = size
    rng = np.random.default_rng(0)
    for transposed in product((False, True), repeat=3):
        shapes = [shape[::-1] if t else shape for shape, t in zip([(m, k), (k, n), (m, n)], transposed, strict=True)]
        arrays = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
        a, b, c = (array.T if t else array for array, t in zip(arrays, transposed, strict=True))
        for add in (False, True):
            fast, plain = c.copy(order="K"), c.copy(order="K")
            add_product(CpuBackend(), a, b, fast, add)
            add_product(Backend(), a, b, plain, add)
            np.testing.assert_allclose(fast, plain, atol=(1e-4 if dtype is np.float32 else 1e-12) * max(1, k / 100))


def guarded(shape, rng, transposed):
    """A matrix inside a larger array of NaN, and that array."""
    around = np.full(shape[0] * shape[1] + 80, np.nan, np.float32)
    inside = around[40:-40].reshape(shape[::-1] if transposed else shape)
    inside[...] = rng.standard_normal(inside.shape)
    return inside.T if transposed else inside, around


@pytest.mark.parametrize("packed", [300, 1 << 17])
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("seed", range(12))
def test_blocks_in_registers(seed, threads, packed, monkeypatch):
    """Right in any shape, and nothing else is read or written."""
    for name, value in {"SERIAL": 0, "LEAST": 0, "PACKED": packed, "MOST_COLUMNS": 64}.items():
        monkeypatch.setattr(inner_product, name, value)
    monkeypatch.setattr(inner_product.numba, "get_num_threads", lambda: threads)
    inner_product._plan.cache_clear()
    rng = np.random.default_rng(seed)
    m, n, k = (int(size) for size in rng.integers(5, 140, 3))
    workspace(1 << 20, np.dtype(np.float32))[...] = np.nan
    for turned, flipped, add in product((False, True), repeat=3):
        (a, _), (b, _) = guarded((m, k), rng, flipped), guarded((k, n), rng, turned)
        c, around = guarded((m, n), rng, flipped)
        want = a.astype(np.float64) @ b + (c if add else 0)
        add_product(CpuBackend(), a, b, c, add)
        np.testing.assert_allclose(c, want, rtol=0, atol=1e-5 * np.abs(want).max())
        assert np.isnan(around[:40]).all() and np.isnan(around[-40:]).all()
    inner_product._plan.cache_clear()


def test_where_blocks_in_registers_pay():
    def matrix(*shape, dtype=np.float32):
        return np.empty(shape, dtype)

    assert inner_product.pays(matrix(64, 800), matrix(500, 800).T)
    assert not inner_product.pays(matrix(64, 500), matrix(10, 500).T)  # small
    assert not inner_product.pays(matrix(1, 4096), matrix(4096, 4096).T)  # bound by memory
    assert not inner_product.pays(matrix(64, 500).T, matrix(64, 800))
    assert not inner_product.pays(matrix(64, 800, dtype=np.float64), matrix(500, 800, dtype=np.float64).T)
