"""Kernels made of the same lines."""

import numpy as np

from cafpy.ops.kernel.chunks import variant
from cafpy.ops.kernel.threaded import NO_INDICES, NO_NUMBERS, threaded


def made(number):
    def times(x):
        for i in range(x.size):
            x[i] *= number

    return variant(times, number)


twice, thrice = made(2), made(3)


@threaded
def both(thread, threads, numbers, indices, x, y, c, d, e):
    twice(x)
    thrice(y)


def test_variants_are_told_apart_by_name():
    assert twice.py_func.__qualname__ == "times_2"
    assert thrice.py_func.__qualname__ == "times_3"
    x, y = np.ones(5, np.float32), np.ones(5, np.float32)
    both(1, NO_NUMBERS, NO_INDICES, x, y)
    np.testing.assert_array_equal([x, y], [[2] * 5, [3] * 5])
