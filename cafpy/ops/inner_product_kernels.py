"""Products of two matrices of float32 in blocks of registers, see `cafpy.ops.kernel.lane_product`.

One of the matrices is packed, a part that stays in the L2 cache at a time: into panels of WIDE columns. The other is
read as it is, number by number.
"""

from __future__ import annotations

from cafpy.ops.kernel.chunks import kernel
from cafpy.ops.kernel.lane_product import ROWS, WIDE, narrow_block, wide_block
from cafpy.ops.kernel.lanes import LANES, load, load_first, store, store_first, transpose_in, transpose_out
from cafpy.ops.kernel.threaded import threaded

TILE = LANES // ROWS * ROWS  # rows that may be transposed at once
SCRATCH = LANES * WIDE + LANES * LANES  # elements for a transposition


@threaded
def multiply(thread, threads, numbers, indices, left, right, result, work, e):
    """This thread's share of ``result`` = left right (or added to it): of its rows or of its columns.

    ``numbers``: rows, columns, length of the sums; whether ``right`` is transposed, its elements from row to row;
    whether ``result`` is, its elements from row to row; whether to add; whether rows are shared; of the part that is
    packed: sums' length, columns; elements of ``work`` for each thread; two that say how what is packed next is fetched
    ahead (``bits`` and ``shift`` of the blocks).
    """
    m, n, k, turned, r_row, flipped, c_row, add, by_rows, depth, width, room, bits, shift = numbers[:14]
    r0, r1, c0, c1 = 0, m, 0, n
    if by_rows:
        units = (m - 1) // TILE + 1
        r0, r1 = thread * units // threads * TILE, min(m, (thread + 1) * units // threads * TILE)
    else:
        units = (n - 1) // WIDE + 1
        c0, c1 = thread * units // threads * WIDE, min(n, (thread + 1) * units // threads * WIDE)
    work = work[thread * room : (thread + 1) * room]
    if r0 >= r1:
        return
    for k0 in range(0, k, depth):
        count = min(depth, k - k0)
        more = add != 0 or k0 > 0
        for j0 in range(c0, c1, width):
            j1 = min(c1, j0 + width)
            panel = (count + 1) * WIDE  # from panel to panel; powers of two would crowd a few lines of the cache
            if turned:
                for j in range(j0, j1, WIDE):
                    _pack_turned(right, j * r_row + k0, r_row, j1 - j, count, work, (j - j0) // WIDE * panel)
            else:
                _pack(right, k0 * r_row + j0, r_row, j1 - j0, count, work, panel)
            # what the next part packs is fetched during products of this one; a turned one is small, and left is not
            next_k, next_j = (k0, j1) if j1 < c1 else (k0 + count, c0)
            blocks = ((r1 - r0 - 1) // ROWS + 1) * ((j1 - j0 - 1) // WIDE + 1)
            number = 0
            for row in range(r0, r1, TILE):
                end = min(r1, row + TILE)
                for j in range(j0, j1, WIDE):
                    columns = min(WIDE, j1 - j)
                    for part in range(row, end, ROWS):
                        rows = min(ROWS, end - part)
                        if flipped:
                            to, at, step = work, room - SCRATCH + (part - row) * WIDE, WIDE
                        else:
                            to, at, step = result, part * c_row + j, c_row
                        start, there = part * k + k0, (j - j0) // WIDE * panel
                        if turned and part + 2 * ROWS <= m:
                            ahead = left, start + ROWS * k, 1, 3, k, LANES
                        elif not turned and next_k < k:
                            first = number * count // blocks
                            ahead = right, (next_k + first) * r_row + next_j, shift, bits, LANES, r_row
                        else:
                            ahead = work, 0, 0, 0, 0, 0
                        number += 1
                        if columns > LANES:
                            wide_block(
                                1, count, left, start, k, 1, 0, work, there, WIDE, 0,
                                to, at, step, rows, columns, more and not flipped, ahead,
                            )  # fmt: skip
                        else:
                            narrow_block(
                                1, count, left, start, k, 1, 0, work, there, WIDE, 0,
                                to, at, step, rows, columns, more and not flipped, ahead,
                            )  # fmt: skip
                    if flipped:
                        _put_turned(work, room - SCRATCH, end - row, columns, result, j * c_row + row, c_row, more)


@kernel
def _pack(source, at, step, columns, count, work, panel):
    """``count`` rows, ``step`` apart in the source, as panels; columns that are not there are zeros."""
    for i in range(count):
        for j in range(0, columns, LANES):
            store(load_first(source, at + i * step + j, columns - j), work, j // WIDE * panel + i * WIDE + j % WIDE)


@kernel
def _pack_turned(source, at, step, columns, count, panel, to):
    """The same of a matrix whose columns lie ``step`` apart; up to LANES rows beyond are overwritten."""
    for i in range(0, count, LANES):
        for j in range(0, min(columns, WIDE), LANES):
            transpose_in(source, at + j * step + i, step, columns - j, count - i, panel, to + i * WIDE + j, WIDE)


@kernel
def _put_turned(work, at, rows, columns, result, to, step, add):
    """Write, or add, the transpose of a tile of sums."""
    turned = at + LANES * WIDE
    for j in range(0, columns, LANES):
        transpose_out(work, at + j, WIDE, work, turned, LANES, LANES, LANES)
        for i in range(min(LANES, columns - j)):
            place = to + (j + i) * step
            value = load(work, turned + i * LANES)
            if add:
                value = value + load_first(result, place, rows)
            store_first(value, result, place, rows)
