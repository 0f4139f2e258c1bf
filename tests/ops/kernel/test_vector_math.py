"""exp, log and tanh for SIMD: as good as they say, and C's values at the edges."""

import numpy as np
import pytest
from numba import njit

from cafpy.ops.kernel import vector_math


def compiled(name, function):
    @njit(error_model="numpy")
    def over(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    return over


COMPILED = {name: compiled(name, getattr(vector_math, name)) for name in ("exp", "log", "tanh")}
LARGEST_ERROR = {"exp": 1.6, "log": 2, "tanh": 3}  # as the module's docstring has it, in units of 2^-24


def call(name, x):
    out = np.empty_like(x)
    COMPILED[name](x, out)
    return out


@pytest.mark.parametrize(
    ("name", "x"),
    [
        ("exp", np.linspace(-87, 88.7, 300001)),
        ("exp", np.linspace(-1, 1, 100001)),
        ("log", np.exp(np.linspace(-86, 88, 300001))),
        ("log", np.linspace(0.5, 2, 100001)),
        ("tanh", np.linspace(-10, 10, 300001)),
        ("tanh", np.linspace(-0.7, 0.7, 100001)),
        ("tanh", np.exp(np.linspace(-80, 0, 10001))),
    ],
)
def test_single_precision_is_close_to_double(name, x):
    x = x.astype(np.float32)
    exact = getattr(np, name)(x.astype(np.float64))
    wrong = np.abs(call(name, x) - exact)
    assert np.all(wrong <= LARGEST_ERROR[name] * 2.0**-24 * np.abs(exact))


@pytest.mark.parametrize("name", COMPILED)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_edges_are_those_of_numpy(name, dtype):
    x = np.array([0, np.inf, -np.inf, np.nan, -1, 1e-40, 1e-45, 100, -100, 200, -200, 3e38, 1e-30], dtype)
    with np.errstate(all="ignore"):
        exact = getattr(np, name)(x)
    np.testing.assert_allclose(call(name, x), exact, rtol=1e-6, atol=2e-45)


def test_double_precision_is_the_c_library():
    x = np.linspace(0.1, 3, 1001)
    for name in COMPILED:
        np.testing.assert_allclose(call(name, x), getattr(np, name)(x), rtol=1e-15)


def test_plain_python_gets_numpy():
    assert vector_math.exp(1.5) == np.exp(1.5)
    assert vector_math.log(1.5) == np.log(1.5)
    assert vector_math.tanh(1.5) == np.tanh(1.5)


def test_a_caller_with_fastmath_gets_the_same():
    x = np.linspace(0.1, 3, 1001).astype(np.float32)
    for name in COMPILED:
        function = getattr(vector_math, name)

        @njit(fastmath=True)
        def over(x, out, function=function):
            for i in range(x.size):
                out[i] = function(x[i])

        out = np.empty_like(x)
        over(x, out)
        np.testing.assert_array_equal(out, call(name, x))
