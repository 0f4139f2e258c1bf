"""Sixteen numbers at once inside kernels (`cafpy.ops.kernel.lanes`), and blocks of products made of them."""

import numpy as np
import pytest

from cafpy.ops.kernel.lane_product import ROWS, WIDE, narrow_block, wide_block
from cafpy.ops.kernel.lanes import (
    LANES,
    all_lanes,
    leaky,
    load,
    load_first,
    store,
    store_first,
    transpose_in,
    transpose_out,
)
from cafpy.ops.kernel.threaded import NO_INDICES, threaded


@threaded
def arithmetic(thread, threads, numbers, indices, a, b, c, d, e):
    x, y = load(a, 0), load(b, 1)
    store(x + y, c, 0)
    store(x - 4.0 * y, c, LANES)
    store(x * y, c, 2 * LANES)
    store(leaky(x, b[0]), c, 3 * LANES)
    store(all_lanes(a[3]), c, 4 * LANES)
    store(load_first(a, 2, numbers[0]), c, 5 * LANES)
    store_first(x, c, 6 * LANES, numbers[0])


@pytest.mark.parametrize("count", [0, 1, 7, 16, 20])
def test_arithmetic(count):
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(40).astype(np.float32) for _ in range(2))
    c = np.full(7 * LANES, 9, np.float32)
    arithmetic(1, np.array([count]), NO_INDICES, a, b, c)
    x, y, few = a[:LANES], b[1 : LANES + 1], min(count, LANES)
    part, start = np.zeros(LANES, np.float32), np.full(LANES, 9, np.float32)
    part[:few], start[:few] = a[2 : 2 + few], x[:few]
    want = [x + y, x - 4 * y, x * y, np.where(x > 0, x, b[0] * x), np.full(LANES, a[3]), part, start]
    np.testing.assert_allclose(c.reshape(7, LANES), want, rtol=1e-6, atol=1e-6)


@threaded
def turn(thread, threads, numbers, indices, source, blocks, back, d, e):
    rows, columns = numbers[0], numbers[1]
    transpose_in(source, 3, 20, rows, columns, blocks, 0, 17)
    transpose_out(blocks, 0, 17, back, 3, 20, rows, columns)


@pytest.mark.parametrize(("rows", "columns"), [(16, 16), (16, 5), (3, 16), (1, 1), (15, 9), (0, 4), (4, 0)])
def test_transposes(rows, columns):
    source = np.random.default_rng(1).standard_normal(3 + 20 * rows + 1).astype(np.float32)
    blocks, back = np.full(16 * 17, 9, np.float32), np.full(3 + 20 * 16, 7, np.float32)
    turn(1, np.array([rows, columns]), NO_INDICES, source, blocks, back)
    want = np.zeros((16, 16), np.float32)
    for i in range(rows):
        want[:columns, i] = source[3 + 20 * i : 3 + 20 * i + columns]
    np.testing.assert_array_equal(np.append(blocks, 0)[: 16 * 17].reshape(16, 17)[:, :16], want)
    kept = np.full(20 * 16, 7, np.float32).reshape(16, 20)
    kept[:rows, :columns] = want.T[:rows, :columns]
    np.testing.assert_array_equal(back[3:].reshape(16, 20), kept)


@threaded
def product(thread, threads, numbers, indices, a, b, c, d, e):
    times, count, rows, columns, add, wide = numbers
    if wide:
        wide_block(times, count, a, 1, 50, 2, 20, b, 0, WIDE, count * WIDE, c, 2, WIDE + 3, rows, columns, add != 0)
    else:
        narrow_block(times, count, a, 1, 50, 2, 20, b, 0, WIDE, count * WIDE, c, 2, WIDE + 3, rows, columns, add != 0)


@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(
    "size", [(2, 9, 99, 99), (1, 1, 1, 1), (0, 5, 2, 3), (2, 0, 99, 99), (1, 9, 99, 5), (2, 7, 3, 99)]
)
def test_products(size, wide, add):
    times, count = size[:2]
    rows, columns = min(size[2], ROWS), min(size[3], WIDE if wide else LANES)
    rng = np.random.default_rng(2)
    a = rng.standard_normal(1 + 50 * rows).astype(np.float32)
    b = rng.standard_normal((max(1, times * count), WIDE)).astype(np.float32)
    c = rng.standard_normal(2 + (ROWS - 1) * (WIDE + 3) + WIDE).astype(np.float32)
    want = c.copy()
    for r in range(rows):
        row = sum(
            (a[1 + 50 * r + 2 * i + 20 * t] * b[t * count + i] for t in range(times) for i in range(count)),
            np.zeros(WIDE, np.float32),
        )
        at = 2 + r * (WIDE + 3)
        want[at : at + columns] = row[:columns] + (want[at : at + columns] if add else 0)
    product(1, np.array([times, count, rows, columns, add, wide]), NO_INDICES, a, b, c)
    np.testing.assert_allclose(c, want, rtol=1e-5, atol=1e-5)
