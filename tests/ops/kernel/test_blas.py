"""Products inside kernels: every transposition, and matrices that are parts of larger ones."""

import numpy as np
import pytest

from cafpy.ops.kernel.blas import gemm, gemm_address


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
def test_gemm(ta, tb, dtype):
    rng = np.random.default_rng(0)
    m, n, k = 5, 7, 3
    a, b, c = (rng.standard_normal((9, 11)).astype(dtype) for _ in range(3))
    of_a, of_b = a[1:, 2:], b[2:, 1:]
    op_a = of_a[:k, :m].T if ta else of_a[:m, :k]
    op_b = of_b[:n, :k].T if tb else of_b[:k, :n]
    expected = c.copy()
    expected[:m, :n] = 2 * op_a @ op_b + 0.5 * c[:m, :n]
    flat_a, flat_b = a.reshape(-1)[11 + 2 :], b.reshape(-1)[22 + 1 :]
    gemm(gemm_address(np.dtype(dtype)), ta, tb, m, n, k, 2.0, flat_a, 11, flat_b, 11, 0.5, c, 11)
    np.testing.assert_allclose(c, expected, rtol=1e-5 if dtype is np.float32 else 1e-13)


def test_no_other_dtype():
    with pytest.raises(KeyError):
        gemm_address(np.dtype(np.float16))
