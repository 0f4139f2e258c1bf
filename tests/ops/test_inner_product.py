"""Products of two matrices: the CPU's body is the plain one, whatever is transposed and however few rows there are."""

from itertools import product

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.ops import inner_product
from cafpy.ops.inner_product import add_product

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
