"""Scalar functions in C++: compiled here by the host's C++ compiler, they compute what Python computes."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

from cafpy.errors import BackendError
from cafpy.layers._elementwise import ElementwiseLayer
from cafpy.ops.elementwise_cuda import cuda_source
from cafpy.registry import layer_class, layer_types

LIMIT = 3


def branches(dy, x, y, slope, flag):
    """A docstring is no code."""
    s = 1 / (1 + np.exp(-x)) ** 2
    if flag and 0 < x <= LIMIT:
        s *= np.maximum(slope, 0.25) - np.minimum(y, 0)
    elif not x > np.inf:
        negated = x if y > 0 or dy > 1 else -dy
        return negated + np.sign(x) + np.pi
    else:
        pass
    return np.where(x > 2, s, 0) + abs(y) - (dy > 0) + np.power(2, x) + float(x)


def compiled(tmp_path, source, count):
    """``f(arrays, options)`` of the C++ function, in float32 and float64."""
    loops = "".join(
        f"""
        extern "C" void f_{dtype}(int n, {dtype}** in, {dtype}* o, {dtype}* out) {{
            for (int i = 0; i < n; i++) out[i] = cafpy_element<{dtype}>({{}});
        }}"""
        for dtype in ("float", "double")
    )
    arguments = [f"in[{i}][i]" for i in range(count[0])] + [f"o[{i}]" for i in range(count[1])]
    text = f"#include <cmath>\nusing namespace std;\n#define __device__\n{source}\n"
    text += loops.replace("{}", ", ".join(arguments)).replace("{{", "{").replace("}}", "}")
    file = tmp_path / "f.cpp"
    file.write_text(text)
    subprocess.run(["c++", "-O1", "-shared", "-fPIC", "-o", tmp_path / "f.so", file], check=True)
    library = ctypes.CDLL(str(tmp_path / "f.so"))

    def call(arrays, options):
        dtype = arrays[0].dtype
        function = library.f_float if dtype == np.float32 else library.f_double
        out, numbers = np.empty_like(arrays[0]), np.array([*options, 0], dtype)
        pointers = (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))
        function(out.size, pointers, numbers.ctypes.data_as(ctypes.c_void_p), out.ctypes.data_as(ctypes.c_void_p))
        return out

    return call


def scalar_functions():
    yield "branches", branches, 3, (0.3, 1.0)
    for name in layer_types():
        cls = layer_class(name)
        if issubclass(cls, ElementwiseLayer):
            for method, arrays in (("forward_scalar", 1), ("backward_scalar", 3)):
                if hasattr(cls, method):
                    scalar = getattr(cls, method)
                    options = scalar.__code__.co_argcount - arrays
                    yield f"{name}.{method}", scalar, arrays, (0.3, 1.25, 0.5)[:options]


FUNCTIONS = list(scalar_functions())


@pytest.mark.skipif(shutil.which("c++") is None, reason="needs a C++ compiler")
@pytest.mark.parametrize(("scalar", "arrays", "options"), [f[1:] for f in FUNCTIONS], ids=[f[0] for f in FUNCTIONS])
def test_computes_what_python_computes(tmp_path, scalar, arrays, options):
    function = compiled(tmp_path, cuda_source(scalar), (arrays, len(options)))
    rng = np.random.default_rng(0)
    for dtype, tolerance in ((np.float32, 1e-5), (np.float64, 1e-12)):
        values = (2 * rng.standard_normal((arrays, 200))).astype(dtype)
        wide = [np.float64(option) for option in options]
        with np.errstate(all="ignore"):
            expected = [scalar(*map(np.float64, column), *wide) for column in values.T]
        np.testing.assert_allclose(function(list(values), options), expected, rtol=tolerance, atol=tolerance)


def loop(x):
    total = 0
    for i in range(3):
        total += i * x
    return total


def other_function(x):
    return branches(x, x, x, 1, True)


def text(x):
    return x if x != "a" else 0


def unknown_name(x):
    return x + np.float32


def modulo(x):
    return x % 2


def default(x, slope=0):
    return x * slope


@pytest.mark.parametrize(
    ("scalar", "line", "why"),
    [
        (loop, 2, "`for i in range(3):` has no counterpart there"),
        (other_function, 1, "the function `branches` is not there; use NumPy's scalar functions"),
        (text, 1, "`'a'` has no counterpart there"),
        (unknown_name, 1, "`np.float32` has no counterpart there"),
        (modulo, 1, "`x % 2`: of the operators, + - * / ** are there"),
        (default, 0, "it may have plain arguments only, without defaults or *"),
    ],
)
def test_what_the_gpu_has_not_is_named_with_its_line(scalar, line, why):
    with pytest.raises(BackendError) as caught:
        cuda_source(scalar)
    at = f"{__file__}:{scalar.__code__.co_firstlineno + line}"
    assert str(caught.value) == f"{at}: this scalar function cannot run on the GPU: {why}"
