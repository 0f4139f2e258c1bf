"""Blocks of products in registers with bias, factor, shift and ReLU (`cafpy.ops.kernel.lane_product_finished`)."""

import numpy as np
import pytest

from cafpy.ops.kernel.lane_product import ROWS, WIDE
from cafpy.ops.kernel.lane_product_finished import address, finished_block, finished_half_block
from cafpy.ops.kernel.threaded import NO_INDICES, threaded

OUTPUTS, FIRST = 20, 3  # of the table, and the row of the block in it
TIMES, COUNT, ROW, STEP, JUMP = 3, 7, 100, 2, 21  # of the left operand


@threaded
def product(thread, threads, numbers, indices, a, b, c, table, e):
    times, count, rows, columns, add, finish, half = numbers
    x, y, z = address(a, 1), address(b, 0), address(c, 2)
    if half:
        finished_half_block(
            times, count, x, ROW, STEP, JUMP, y, WIDE, z, WIDE + 3, rows, columns, add != 0,
            table, FIRST, OUTPUTS, finish != 0, y, WIDE,
        )  # fmt: skip
    else:
        finished_block(
            times, count, x, ROW, STEP, JUMP, y, WIDE, z, WIDE + 3, rows, columns, add != 0,
            table, FIRST, OUTPUTS, finish != 0, y, WIDE,
        )  # fmt: skip


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(("add", "finish"), [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize(
    "size", [(TIMES, COUNT, 99, 99), (1, COUNT, 1, 1), (0, 5, 2, 3), (1, 0, 99, 99), (TIMES, 1, 99, 17), (2, 3, 3, 99)]
)
def test_products(size, add, finish, half):
    times, count = size[:2]
    rows, columns = min(size[2], ROWS // 2 if half else ROWS), min(size[3], WIDE)
    rng = np.random.default_rng(0)
    a = rng.standard_normal(1 + ROW * rows).astype(np.float32)
    b = rng.standard_normal((max(1, times * count), WIDE)).astype(np.float32)
    c = rng.standard_normal(2 + ROWS * (WIDE + 3)).astype(np.float32)
    table = rng.standard_normal(3 * OUTPUTS + 1).astype(np.float32)
    want = c.copy()
    for r in range(rows):
        at, k = 2 + r * (WIDE + 3), FIRST + r
        row = np.full(WIDE, table[k]) if not add else np.pad(c[at : at + columns], (0, WIDE - columns))
        for t in range(times):
            for i in range(count):
                row = row + a[1 + ROW * r + STEP * i + JUMP * t] * b[t * count + i]
        if finish:
            row = row * table[OUTPUTS + k] + table[2 * OUTPUTS + k]
            row = np.where(row > 0, row, table[-1] * row)
        want[at : at + columns] = row[:columns]
    product(1, np.array([times, count, rows, columns, add, finish, half]), NO_INDICES, a, b, c, table)
    np.testing.assert_allclose(c, want, rtol=1e-5, atol=1e-5)
