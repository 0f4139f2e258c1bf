"""Kernels that a compiled loop calls by their address."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numba.core.errors import TypingError

from cafpy.ops.kernel.threaded import NO_INDICES, NO_NUMBERS, threaded


@threaded
def scaled(thread, threads, numbers, indices, x, y, c, d, e):
    for i in range(thread * x.size // threads, (thread + 1) * x.size // threads):
        y[i] = numbers[0] * x[i] + indices[0] + c.size


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_thread_does_its_share(threads, dtype):
    x = np.arange(24, dtype=dtype).reshape(2, 3, 4)
    y = np.empty_like(x)
    scaled(threads, np.array([3]), np.array([[5]], np.int32), x, y)
    np.testing.assert_array_equal(y, 3 * x + 5)


@pytest.mark.parametrize("other", [np.zeros(4), np.zeros((4, 4), np.float32).T, np.zeros(8, np.float32)[::2]])
def test_arrays_must_fit(other):
    with pytest.raises(TypeError, match="scaled wants C-contiguous arrays of float32, not float"):
        scaled(1, NO_NUMBERS, NO_INDICES, np.zeros(4, np.float32), other)


def test_numbers_must_fit():
    x = np.zeros(4, np.float32)
    with pytest.raises(TypingError, match="indices int32"):
        scaled(1, NO_NUMBERS, NO_NUMBERS, x, x)


MODULE = """
import numpy as np
from inner import factor
from cafpy.ops.kernel.threaded import NO_INDICES, NO_NUMBERS, threaded

{}
@threaded
def kernel(thread, threads, numbers, indices, x, b, c, d, e):
    x[0] = {}()

def run():
    x = np.zeros(1, np.float32)
    kernel(1, NO_NUMBERS, NO_INDICES, x)
    return x[0]
"""

INNER = """
from numba import njit

@njit
def factor():
    return {}
"""


MAKER = """
from cafpy.ops.kernel.chunks import variant

def made(inner):
    def around():
        return inner()
    return variant(around, 1)

around = made(factor)
"""


@pytest.mark.parametrize(("maker", "called"), [("", "factor"), (MAKER, "around")], ids=["called", "in a closure"])
def test_an_edit_of_what_is_compiled_in_is_seen(maker, called, tmp_path):
    """Numba's own cache would not look at inner.py."""
    (tmp_path / "outer.py").write_text(MODULE.format(maker, called))
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    for value in (2, 3):
        (tmp_path / "inner.py").write_text(INNER.format(value))
        command = [sys.executable, "-c", "import outer; print(outer.run())"]
        said = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
        assert float(said) == value
