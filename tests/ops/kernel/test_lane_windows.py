"""Sixteen windows of a row at once: sums, largest values, rows of which nothing outside is touched."""

import numpy as np
import pytest

from cafpy.ops.kernel.lane_windows import (
    interleaved_high,
    interleaved_low,
    largest,
    load_row,
    store_row,
    sum_lanes,
    summed,
)
from cafpy.ops.kernel.lanes import LANES, load, store
from cafpy.ops.kernel.threaded import NO_INDICES, threaded

largest_23 = largest(2, 3, 2)
summed_23 = summed(2, 3, 2)


@threaded
def rows(thread, threads, numbers, indices, a, b, c, d, e):
    value = load_row(a, numbers[0], numbers[1], numbers[2])
    store(value, b, 0)
    store_row(load(c, 0), d, numbers[0], numbers[1], numbers[2])
    e[0] = sum_lanes(load(c, 0))
    store(interleaved_low(load(c, 0), load(a, 0)), c, LANES)
    store(interleaved_high(load(c, 0), load(a, 0)), c, 2 * LANES)


@pytest.mark.parametrize(("column", "width"), [(0, 20), (-3, 20), (10, 20), (-2, 5), (25, 20)])
def test_rows(column, width):
    a, c = np.arange(1, 61, dtype=np.float32), np.arange(100, 148, dtype=np.float32)
    b, d, e = np.zeros(LANES, np.float32), np.full(60, 7, np.float32), np.zeros(1, np.float32)
    first = c[:LANES].copy()
    rows(1, np.array([20, column, width]), NO_INDICES, a, b, c, d, e)
    columns = column + np.arange(LANES)
    inside = (columns >= 0) & (columns < width)
    want = np.full(60, 7, np.float32)
    want[20 + columns[inside]] = first[inside]
    np.testing.assert_array_equal(b[inside], a[20 + columns[inside]])
    assert not b[~inside].any()
    np.testing.assert_array_equal(d, want)
    assert e[0] == first.sum()
    np.testing.assert_array_equal(c[LANES:], np.stack([first, a[:LANES]], 1).reshape(-1))


@threaded
def windows(thread, threads, numbers, places, x, y, sums, nans, e):
    height, width, top, left, count = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
    nans[0] = largest_23(x, 1, top, height, left, width, y, places, 2, count)
    store(summed_23(x, 1, top, height, left, width), sums, 0)


@pytest.mark.parametrize(("top", "left"), [(0, 0), (-1, -1), (4, 6), (2, -2)])
@pytest.mark.parametrize("odd", [None, np.nan])
def test_windows_of_two_rows_and_three_columns(top, left, odd):
    height, width, count = 5, 21, 7
    x = np.random.default_rng(0).integers(-9, 9, (3, height, width)).astype(np.float32)
    if odd is not None:
        x[1, max(top, 0), max(left, 0) + 3] = odd
    y, places = np.full(30, 5, np.float32), np.full(30, 5, np.int32)
    sums, nans = np.zeros(LANES, np.float32), np.zeros(1, np.float32)
    windows(1, np.array([height, width, top, left, count]), places, x, y, sums, nans)
    assert bool(nans[0]) == (odd is not None)
    if odd is not None:
        return
    for i in range(LANES):
        lines, columns = range(max(0, top), min(height, top + 2)), range(left + 2 * i, left + 2 * i + 3)
        inside = [(h, w) for h in lines for w in columns if 0 <= w < width]
        assert sums[i] == sum(x[1, h, w] for h, w in inside)
        if i < count:
            h, w = max(inside, key=lambda place: x[1, *place])
            assert (y[2 + i], places[2 + i]) == (x[1, h, w], h * width + w)
    assert (y[2 + count :] == 5).all()
    assert (places[2 + count :] == 5).all()
