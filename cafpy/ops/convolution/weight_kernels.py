"""Kernels of `cafpy.ops.convolution.weight_gradient`: sums over windows in registers, and their transposition.

The outputs' gradient is transposed into panels: WIDE outputs of one window beside each other, window after window. The
other factors are numbers of the images as they lie, or of padded copies of their rows: a place of the kernel in a map
meets the windows of a row at steps of the stride. So ROWS rows of a block are any places of the kernel in any maps,
told by their offsets. The sums are the transpose of the gradient, in panels as well.
"""

from __future__ import annotations

from cafpy.ops.convolution.columns import block
from cafpy.ops.convolution.weight_operands import pad_rows, turn
from cafpy.ops.kernel.chunks import kernel
from cafpy.ops.kernel.lane_product import ROWS, WIDE, narrow_block, wide_block
from cafpy.ops.kernel.lanes import LANES, load, load_first, store, store_first, transpose_out
from cafpy.ops.kernel.lanes_math import fetch
from cafpy.ops.kernel.threaded import threaded

TILE = LANES // ROWS * ROWS  # rows of sums that are transposed at once
EIGHTHS = WIDE // 8


@threaded
def sum_windows(thread, threads, numbers, indices, x, dy, sums, work, dweight):
    """This thread's share of ``sums`` (slots, groups, panels, inputs of a group, kernel, WIDE).

    One team adds them to ``dweight`` by itself, and where it has one block, ``sums`` is only (threads, LANES, WIDE).
    ``indices``: offsets of a group's rows, for blocks of ``images`` images and again for the last one, which may have
    fewer. For teams of threads see `cafpy.ops.convolution.blocked_backward_weight`.
    """
    h, w, _, ow, kh, kw, sh, sw, ph, pw, dh, dw, n, maps, outputs, groups = numbers[:16]
    direct, images, places, blocks, slots, at_once, jump, positions, panel_size, lines_size = numbers[16:26]
    inputs, results, area, pixels = maps // groups, outputs // groups, kh * kw, numbers[2] * ow
    depth, panels = inputs * area, (results - 1) // WIDE + 1
    team, member, members = thread % slots, thread // slots, threads // slots
    c_first, c_last = member * maps // members, (member + 1) * maps // members
    at = thread * (panel_size + lines_size)
    panel, lines = work[at : at + panel_size], work[at + panel_size : at + panel_size + lines_size]
    begin, end = team * blocks // slots, (team + 1) * blocks // slots
    for index in range(begin, end):
        n0, n1, p0, p1 = block(index, n, pixels, images, places)
        # the windows in order: ``times`` runs of ``count``; of several images with lines, row by row of all of them
        count = p1 - p0 if direct == 2 else ow
        times = (n1 - n0) * (p1 - p0) // count
        run = ow if direct == 0 and images > 1 else p1 - p0
        offsets = indices[depth:] if n1 - n0 < images else indices
        windows = times, count, sw, jump
        finish = slots == 1 and index == end - 1
        c0 = c_first
        while c0 < c_last:
            group = c0 // inputs
            first = c0 - group * inputs
            c1 = min(c_last, c0 + at_once, (group + 1) * inputs)
            if direct:
                source, start = x, (n0 * maps + group * inputs) * h * w + (p0 if direct == 2 else p0 // ow * sh * w)
            else:
                rows = (times // (n1 - n0) - 1) * sh + (kh - 1) * dh + 1
                width = (ow - 1) * sw + (kw - 1) * dw + 1
                phases = sh if kh > 1 and dh % sh else 1
                top = p0 // ow * sh - ph
                pad_rows(x, maps, n0, n1, c0, c1, top, rows, h, w, pw, phases, sh, positions, width, lines)
                source, start = lines, -first * sh * positions * (n1 - n0) * width
            for k in range(panels):
                columns = min(WIDE, results - k * WIDE)
                output = group * results + k * WIDE
                turn(dy, outputs, pixels, n0, n1, p0, p1, run, output, columns, panel)
                # what is wanted afterwards: the next panel, or the first of the next block
                soon = (n0 * outputs + output) * pixels + p0
                if k + 1 < panels:
                    soon += WIDE * pixels
                else:
                    soon += (images * outputs * pixels if places == pixels else p1 - p0) - k * WIDE * pixels
                ahead = soon, outputs, pixels, 0 if index == blocks - 1 and k == panels - 1 else n1 - n0
                to = ((team * groups + group) * panels + k) * depth if blocks > 1 else -1 - thread
                _multiply(
                    first * area, (first + c1 - c0) * area, columns, windows, offsets, source, start, panel,
                    sums, to, index > begin, finish, dweight, output * depth, depth, dy, ahead,
                )  # fmt: skip
            c0 = c1


@kernel
def _multiply(
    first, last, columns, windows, offsets, source, start, panel, sums, to, add,
    finish, dweight, target, depth, dy, ahead,
):  # fmt: skip
    """Rows ``first`` to ``last`` of the sums of a panel, and with ``finish`` of the gradient from ``target`` on.

    The first blocks of it fetch what the tuple ``ahead`` tells of ``dy``: its start, outputs, pixels, images.
    """
    times, count, step, jump = windows
    soon, outputs, pixels, images = ahead
    number, tiles = 0, (last - first - 1) // TILE + 1
    for tile in range(tiles):
        row = first + tile * TILE
        end = min(last, row + TILE)
        place = (to + row) * WIDE if to >= 0 else (-1 - to) * LANES * WIDE
        if finish:
            for i in range(columns):
                fetch(dweight, target + i * depth + row)
        for part in range(row, end, ROWS):
            # eight outputs of an image each; a panel has EIGHTHS times as many
            image, eighth = number // EIGHTHS, number % EIGHTHS
            if image < images:
                fetching = dy, soon + (image * outputs + eighth * 8) * pixels, 1, 3, pixels, LANES
            else:
                fetching = panel, 0, 0, 0, 0, 0
            number += 1
            at, rows = place + (part - row) * WIDE, min(ROWS, end - part)
            mine = offsets[part:]
            if columns > LANES:
                wide_block(
                    times, count, source, start, mine, step, jump, panel, 0, WIDE, WIDE * count,
                    sums, at, WIDE, rows, WIDE, add, fetching,
                )  # fmt: skip
            else:
                narrow_block(
                    times, count, source, start, mine, step, jump, panel, 0, WIDE, WIDE * count,
                    sums, at, WIDE, rows, LANES, add, fetching,
                )  # fmt: skip
        if finish:
            _add_tile(sums, place, end - row, columns, dweight, target + row, depth, panel, panel.size - LANES * LANES)


@kernel
def _add_tile(sums, at, rows, columns, dweight, to, depth, work, scratch):
    """Add the transpose of ``rows`` ≤ LANES rows of ``columns`` ≤ WIDE sums to the gradient."""
    for k in range(0, columns, LANES):
        transpose_out(sums, at + k, WIDE, work, scratch, LANES, LANES, LANES)
        for i in range(min(LANES, columns - k)):
            place = to + (k + i) * depth
            store_first(load_first(dweight, place, rows) + load(work, scratch + i * LANES), dweight, place, rows)


@threaded
def add_teams(thread, threads, numbers, indices, sums, dweight, work, d, e):
    """Add the sums of all teams to the weights' gradient; ``work``: LANES² elements for each thread."""
    slots, groups, results, depth = numbers[0], numbers[1], numbers[2], numbers[3]
    panels = (results - 1) // WIDE + 1
    team = groups * panels * depth * WIDE
    tiles = (depth - 1) // LANES + 1
    for tile in range(thread * tiles // threads, (thread + 1) * tiles // threads):
        row = tile * LANES
        rows = min(LANES, depth - row)
        for panel in range(groups * panels):
            first = panel % panels * WIDE
            at = (panel * depth + row) * WIDE
            for slot in range(1, slots):
                for i in range(at, at + rows * WIDE, LANES):
                    store(load(sums, i) + load(sums, i + slot * team), sums, i)
            to = (panel // panels * results + first) * depth + row
            _add_tile(sums, at, rows, min(WIDE, results - first), dweight, to, depth, work, thread * LANES * LANES)
