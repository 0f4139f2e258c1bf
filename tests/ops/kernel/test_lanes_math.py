"""Division, roots and fetching ahead of sixteen numbers at once."""

import numpy as np

from cafpy.ops.kernel.lanes import LANES, load, store
from cafpy.ops.kernel.lanes_math import fetch, inverse_fourth_root
from cafpy.ops.kernel.threaded import NO_INDICES, threaded


@threaded
def divide_and_root(thread, threads, numbers, indices, a, b, quotient, root, e):
    for i in range(0, a.size, LANES):
        fetch(a, i + 4096)
        store(load(a, i) / load(b, i), quotient, i)
        store(inverse_fourth_root(load(a, i)), root, i)


def run(a, b):
    quotient, root = np.empty_like(a), np.empty_like(a)
    with np.errstate(all="ignore"):
        divide_and_root(1, np.zeros(1, np.int64), NO_INDICES, a, b, quotient, root)
    return quotient, root


def test_division_and_root_are_exact_to_their_last_digits():
    rng = np.random.default_rng(0)
    a = np.exp(rng.uniform(np.log(1e-30), np.log(3e38), LANES * 4096)).astype(np.float32)
    b = rng.standard_normal(a.size, np.float32)
    quotient, root = run(a, b)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(quotient, a / b)
    np.testing.assert_allclose(root, a.astype(np.float64) ** -0.25, rtol=3 * 2.0**-24)


def test_root_of_what_is_no_number():
    a = np.array([np.nan, np.inf, 1, 16] * 4, np.float32)
    root = run(a, a)[1]
    assert np.isnan(root[0])
    assert 0 < root[1] < 1e-9
    np.testing.assert_allclose(root[2:4], [1, 0.5], rtol=1e-6)
