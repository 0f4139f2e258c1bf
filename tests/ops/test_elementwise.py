"""Element-wise routines: the compiled loop computes what the scalar function says, and comes from the cache again."""

import os
import subprocess
import sys

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.ops.elementwise import Elementwise
from cafpy.testing.fake_device import FakeBackend

SCALE = 0.5


def softplus(x, beta):
    if x > 20:
        return x
    return SCALE * np.log(1 + np.exp(beta * x)) / beta


def of_three(a, b, c, k):
    return a * np.tanh(b) + (c if c > 0 else k)


def reciprocal(x):
    return 1 / x


def rounded(x):
    return 0 if x < 0 else x


def run(backend, scalar, arrays, options=(), dtype=np.float32):
    out = np.empty(arrays[0].shape, dtype)
    Elementwise(scalar)(backend, tuple(a.astype(dtype) for a in arrays), options, out)
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (0,), (3, 5), (2, 3, 4, 5), (30, 1000)])
def test_fast_is_plain(shape, dtype):
    rng = np.random.default_rng(0)
    a, b, c = rng.standard_normal((3, *shape))
    for scalar, arrays, options in [(softplus, (a,), (0.7,)), (of_three, (a, b, c), (3,)), (rounded, (a,), ())]:
        plain = run(Backend(), scalar, arrays, options, dtype)
        fast = run(CpuBackend(), scalar, arrays, options, dtype)
        np.testing.assert_allclose(fast, plain, rtol=1e-6 if dtype is np.float32 else 1e-13, atol=1e-7)


def test_first_value_does_not_decide_the_type():
    for backend in (Backend(), CpuBackend()):
        np.testing.assert_array_equal(run(backend, rounded, (np.array([-1.0, 1.5]),)), np.float32([0, 1.5]))


@pytest.mark.parametrize("size", [100, 100_000])
def test_in_place(size):
    x = np.random.default_rng(0).standard_normal(size).astype(np.float32)
    expected = run(CpuBackend(), softplus, (x,), (0.7,))
    Elementwise(softplus)(CpuBackend(), (x,), (0.7,), x)
    np.testing.assert_array_equal(x, expected)


def test_division_by_zero_is_that_of_c():
    for backend in (Backend(), CpuBackend()):
        np.testing.assert_array_equal(run(backend, reciprocal, (np.array([0.0, -0.0]),)), np.float32([np.inf, -np.inf]))


def without_a_file(source):
    """The function that a source defines, from nowhere, as in a shell; so it is not cached either."""
    names = {"np": np}
    exec(source, names)
    return names["f"]


def test_literals_do_not_widen_single_precision():
    operation = Elementwise(without_a_file("def f(x, beta):\n    return 1 / (1 + np.exp(-beta * x)) + 0.5"))
    x = np.ones(8, np.float32)
    operation(CpuBackend(), (x,), (0.7,), x)
    (kernel,) = operation._kernels.values()
    machine_code = "".join(kernel.inspect_llvm().values())
    assert "fpext float" not in machine_code, "computes in double precision"
    assert "x float>" in machine_code, "is not SIMD"


def test_works_on_a_device():
    backend = FakeBackend()
    x, out = backend.zeros((2, 3), np.float32), backend.zeros((2, 3), np.float32)
    backend.upload(x, np.arange(6, dtype=np.float32).reshape(2, 3))
    Elementwise(softplus)(backend, (x,), (1.0,), out)
    expected = run(Backend(), softplus, (np.arange(6.0).reshape(2, 3),), (1.0,))
    np.testing.assert_array_equal(backend.to_host(out), expected)


SCRIPT = """
import numpy as np, importlib.util
spec = importlib.util.spec_from_file_location("mine", "mine.py")
mine = importlib.util.module_from_spec(spec)
spec.loader.exec_module(mine)
from cafpy.backend import CpuBackend
from cafpy.ops.elementwise import Elementwise
operation = Elementwise(mine.Layer.forward_scalar)
x = np.array([2], np.float32)
operation(CpuBackend(), (x,), (), x)
(kernel,) = operation._kernels.values()
print(x[0], sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()))
"""


def test_cached_across_processes_until_the_file_changes(tmp_path):
    def runs(factor):
        source = f"class Layer:\n    @staticmethod\n    def forward_scalar(x):\n        return x * {factor}\n"
        file = tmp_path / "mine.py"
        if not file.exists() or file.read_text() != source:
            file.write_text(source)
        environment = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
        command = [sys.executable, "-c", SCRIPT]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert runs(3) == ["6.0", "0", "1"]
    assert runs(3) == ["6.0", "1", "0"]
    assert runs(50) == ["100.0", "0", "1"]


def test_a_function_without_a_file_is_compiled_all_the_same():
    double = without_a_file("def f(x):\n    return 2 * x")
    np.testing.assert_array_equal(run(CpuBackend(), double, (np.array([1.0, 2.0]),)), np.float32([2, 4]))
