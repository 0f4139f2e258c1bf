"""The products of a Winograd convolution for one panel of outputs, and what its kernels know of their work.

The numbers that all kernels are given (the source is x and the result y, or the other way round backward to data):

    0   images; maps of the source and of the result; height and width of both; pad of the source
    9   taps of a filter's side; groups; whether weights are (source, result) maps and flipped
    12  rows of tiles of a map, tiles of a row, rows of tiles of a block, blocks
    16  of the planes of the source: from a tile to the next, from a plane to the next; elements of a plane of the
        result, and of a panel of filters
    20  elements of the two parts of work space for `tiles.py`; of all work space of a thread
    23  the kernel's own
"""

from __future__ import annotations

from cafpy.ops.convolution.winograd.filters import filter_panel
from cafpy.ops.convolution.winograd.tiles import gradient_tiles, input_tiles, output_tiles
from cafpy.ops.kernel.chunks import kernel
from cafpy.ops.kernel.lane_product import ROWS, WIDE, narrow_block, wide_block
from cafpy.ops.kernel.lanes import LANES


@kernel
def unpack(m):
    """The numbers by subject: the batch, maps of a group, shapes as in `tiles.py`, pad, filters, blocks
    and the planes' sizes."""
    source, result = (m[3], m[4], m[12], m[13]), (m[5], m[6], m[12], m[13])
    batch, of_group = (m[0], m[1], m[2], m[10]), (m[1] // m[10], m[2] // m[10])
    return batch, of_group, source, result, (m[7], m[8]), (m[9], m[11]), (m[14], m[15]), (m[16], m[17], m[18], m[19])


@kernel
def buffers(work, numbers, thread):
    """This thread's lines for inputs, lines for outputs, and what else it has."""
    of_inputs, of_outputs, each = numbers[20], numbers[21], numbers[22]
    own = work[thread * each : (thread + 1) * each]
    return own[:of_inputs], own[of_inputs : of_inputs + of_outputs], own[of_inputs + of_outputs :]


@kernel
def rows_of(block, numbers):
    """Rows of tiles of a block, and its tiles."""
    first = block * numbers[14]
    last = min(first + numbers[14], numbers[0] * numbers[12])
    return first, last, (last - first) * numbers[13]


@kernel
def transform_inputs(x, group, r0, r1, numbers, lines, v, at):
    """Planes from v[at] on of rows r0 to r1 of tiles of all maps of a group."""
    (_, maps, _, _), (inputs, _), source, _, (pad_h, pad_w), (taps, _), _, (step, plane, _, _) = unpack(numbers)
    for c in range(0, inputs, LANES):
        some = min(LANES, inputs - c)
        first = group * inputs + c
        input_tiles(7 - taps, x, first, some, maps, r0, r1, source, pad_h, pad_w, lines, v, at + c, plane, step)


@kernel
def transform_filters(weights, group, k, c0, c1, numbers, lines, u, at):
    """The filters of maps c0 to c1 of a group to the panel of its outputs from the kth on, which begins at u[at]."""
    _, (inputs, results), _, _, _, (taps, swapped), _, (_, _, _, u_plane) = unpack(numbers)
    area = taps * taps
    first = group * inputs * results * area
    row, column = (area, results * area) if swapped else (inputs * area, area)
    first += k * row + c0 * column
    some, place = min(WIDE, results - k), at + c0 * WIDE
    filter_panel(weights, first, some, row, c1 - c0, column, taps, swapped != 0, lines, u, place, u_plane)


@kernel
def convolve_panel(v, v_at, u, u_at, group, k, r0, r1, numbers, table, products, lines, y):
    """Outputs of a group from the kth on, a panel of them, in rows r0 to r1 of tiles."""
    (_, _, outputs, _), (inputs, results), _, result, _, (taps, _), _, (step, plane, m_plane, u_plane) = unpack(numbers)
    n = (r1 - r0) * result[3]
    some = min(WIDE, results - k)
    for q in range(36):
        right = u_at + q * u_plane
        for t in range(0, n, ROWS):
            left, to, rows = v_at + q * plane + t * step, q * m_plane + t * WIDE, min(ROWS, n - t)
            if some > LANES or WIDE == LANES:
                wide_block(
                    1, inputs, v, left, step, 1, 0, u, right, WIDE, 0, products, to, WIDE, rows, WIDE, False
                )  # fmt: skip
            else:
                narrow_block(
                    1, inputs, v, left, step, 1, 0, u, right, WIDE, 0, products, to, WIDE, rows, LANES, False
                )  # fmt: skip
    for h in range(0, some, LANES):
        first, few = group * results + k + h, min(LANES, some - h)
        output_tiles(7 - taps, products, h, m_plane, WIDE, r0, r1, result, table, first, few, outputs, lines, y)


@kernel
def gradient_panel(v, v_at, dy, group, k, c0, c1, r0, r1, numbers, products, lines, sums, sums_at, add):
    """Gradients of the planes of a panel of filters, from sums[sums_at] on: of outputs from the kth on and maps c0 to
    c1 of a group, from rows r0 to r1 of tiles; they are added or written."""
    (_, _, outputs, _), (_, results), _, result, _, (taps, _), _, (step, plane, m_plane, u_plane) = unpack(numbers)
    n = (r1 - r0) * result[3]
    some = min(WIDE, results - k)
    for h in range(0, some, LANES):
        first, few = group * results + k + h, min(LANES, some - h)
        gradient_tiles(7 - taps, dy, first, few, outputs, r0, r1, result, lines, products, h, m_plane, WIDE)
    for q in range(36):
        right = q * m_plane
        for c in range(c0, c1, ROWS):
            left, to, rows = v_at + q * plane + c, sums_at + q * u_plane + c * WIDE, min(ROWS, c1 - c)
            if some > LANES or WIDE == LANES:
                wide_block(
                    1, n, v, left, 1, step, 0, products, right, WIDE, 0, sums, to, WIDE, rows, WIDE, add
                )  # fmt: skip
            else:
                narrow_block(
                    1, n, v, left, 1, step, 0, products, right, WIDE, 0, sums, to, WIDE, rows, LANES, add
                )  # fmt: skip
