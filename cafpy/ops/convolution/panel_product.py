"""Convolution forward by products in registers: panels of windows that stay in cache, times strips of weights.

The numbers that the kernel is given:

    0   g, the twelve numbers of `cafpy.ops.convolution.panel_columns`
    12  images of the batch, maps, outputs, groups
    16  windows of a job, maps at once, shares of a group's outputs that are jobs of their own; whether images are read
        in place, whether panels are where they have all windows; whether weights are transposed and turned round
    22  elements of each thread's two buffers in ``work``: panels and lines; of a panel

``indices`` are `tap_offsets`.
"""

from __future__ import annotations

import numpy as np

from cafpy.ops.convolution.panel_columns import copy_rows, copy_taps, find_stretches, read_map
from cafpy.ops.kernel.chunks import kernel
from cafpy.ops.kernel.lane_product import ROWS, WIDE
from cafpy.ops.kernel.lane_product_finished import AHEAD, address, finished_block, finished_half_block
from cafpy.ops.kernel.lanes import LANES, load_first, store_first
from cafpy.ops.kernel.threaded import threaded

DEEP = 256  # rows of a panel that make the next strip of weights worth fetching, as it may come from memory


@threaded
def panel_product(thread, threads, numbers, indices, x, weight, table, y, work):
    """y = conv(x, weight) + bias, and the epilogue: this thread's share of the jobs; a job is some windows and one of
    the shares of the outputs of one group. ``table`` as `cafpy.ops.convolution.epilogue`'s `with_bias`, never empty."""
    m = numbers
    g = (m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9], m[10], m[11])
    n, maps, outputs, group = m[12], m[13], m[14], m[15]
    windows, at_once, shares = m[16], m[17], m[18]
    in_place, straight, transposed = m[19] != 0, m[20] != 0, m[21] != 0
    begin, panel = thread * (m[22] + m[23]), m[24]
    panels, lines = work[begin : begin + m[22]], work[begin + m[22] : begin + m[22] + m[23]]
    inputs, results = maps // group, outputs // group
    places, area = g[2] * g[3], g[4] * g[5]
    stretches = np.empty(3 * (windows // LANES + windows // g[3] + windows // places + 4) * 2, np.int64)
    piece = np.empty(ROWS * WIDE, np.float32)
    strips = (results - 1) // ROWS + 1
    chunks = (n * places - 1) // windows + 1
    finish = table.size > outputs
    jobs = chunks * group * shares
    stop = (thread + 1) * jobs // threads
    for job in range(thread * jobs // threads, stop):
        chunk, part, share = job % chunks, job // chunks // shares, job // chunks % shares
        j0 = chunk * windows
        j1 = min(n * places, j0 + windows)
        first = part * results + share * strips // shares * ROWS
        last = part * results + min(results, (share + 1) * strips // shares * ROWS)
        count = find_stretches(g, maps, j0, j1, in_place, not straight, panel, stretches)
        for c0 in range(0, inputs, at_once):
            c1 = min(inputs, c0 + at_once)
            depth, add, end = (c1 - c0) * area, c0 > 0, finish and c1 == inputs
            deep = depth >= DEEP and not transposed
            if in_place and area == 1:
                for s in range(0, count, 3):
                    at = (part * inputs + c0) * g[0] * g[1] + stretches[s]
                    copy_rows(x, at, g[0] * g[1], g[7], panels, stretches[s + 1], stretches[s + 2], c1 - c0)
            else:
                for c in range(c0, c1):
                    of_map, to = part * inputs + c, (c - c0) * area * WIDE
                    start = of_map * g[0] * g[1] if in_place else 0
                    if in_place:
                        copy_taps(x, start, stretches, count, indices, panels, to)
                    else:
                        read_map(x, maps, of_map, g, j0, j1, lines)
                        copy_taps(lines, start, stretches, count, indices, panels, to)
            times, steps, a_row, a_step, a_jump = 1, depth, inputs * area, 1, 0
            if transposed:
                times, steps, a_row, a_step, a_jump = c1 - c0, area, area, 1, results * area
                if area == 1:
                    times, steps, a_step = 1, depth, results
            more = in_place and area == 1 and (c1 < inputs or job + 1 < stop)
            if c1 < inputs:
                next_map, next_window = part * inputs + c1, j0
            else:
                next_map, next_window = (job + 1) // chunks // shares * inputs, (job + 1) % chunks * windows
            for k in range(first, last, ROWS):
                rows = min(ROWS, last - k)
                at = k - part * results
                at = (c0 * results + at) * area if transposed else (at * inputs + c0) * area
                a = address(weight, part * results * inputs * area + at)
                for j in range(j0, j1, WIDE):
                    columns = min(WIDE, j1 - j)
                    image = j // places
                    position = j - image * places
                    alone = position + columns <= places
                    c, c_row = address(y, (image * outputs + k) * places + position), places
                    if not alone:
                        c, c_row = address(piece, 0), WIDE
                        if add:
                            exchange(piece, y, outputs, places, k, rows, j, columns, add)
                    b, b_step = address(panels, (j - j0) // WIDE * panel), WIDE
                    if straight and alone and columns == WIDE:
                        b, b_step = address(x, (image * maps + part * inputs + c0) * places + position), places
                    # a step for each line of a transposed matrix is more than a processor foresees
                    ahead, ahead_step = a + 4 * AHEAD * a_step, a_step
                    if deep and k + 2 * ROWS <= last:  # each panel fetches some rows of the next strip
                        ahead_step = (ROWS - 1) // ((j1 - j0 - 1) // WIDE + 1) + 1
                        row = min(ROWS - 1, (j - j0) // WIDE * ahead_step)
                        ahead = a + 4 * (ROWS + row) * inputs * area
                    if more and k - first < 2 * g[7] * ROWS:
                        soon = next_window + j - j0 + (k - first) // ROWS * (LANES // g[7])
                        image = soon // places
                        row = (soon - image * places) // g[3]
                        column = soon - image * places - row * g[3]
                        ahead = address(x, ((image * maps + next_map) * g[0] + row * g[6]) * g[1] + column * g[7])
                        ahead_step = g[0] * g[1]
                    if rows > ROWS // 2:
                        finished_block(
                            times, steps, a, a_row, a_step, a_jump, b, b_step, c, c_row, rows, columns, add,
                            table, k, outputs, end, ahead, ahead_step,
                        )  # fmt: skip
                    else:
                        finished_half_block(
                            times, steps, a, a_row, a_step, a_jump, b, b_step, c, c_row, rows, columns, add,
                            table, k, outputs, end, ahead, ahead_step,
                        )  # fmt: skip
                    if not alone:
                        exchange(piece, y, outputs, places, k, rows, j, columns, alone)


@kernel
def exchange(piece, y, outputs, places, k, rows, j, columns, read):
    """``columns`` windows from ``j`` on of ``rows`` maps from ``k`` on, between the images and ``piece``.

    ``read``: into it. As with all that is compiled, a constant here would be a second kernel.
    """
    at = 0
    while at < columns:
        image = (j + at) // places
        start = j + at - image * places
        length = min(min(columns - at, places - start), LANES)
        for r in range(rows):
            to = (image * outputs + k + r) * places + start
            if read:
                store_first(load_first(y, to, length), piece, r * WIDE + at, length)
            else:
                store_first(load_first(piece, r * WIDE + at, length), y, to, length)
        at += length
