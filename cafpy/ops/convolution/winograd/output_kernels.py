"""What a thread does for a Winograd convolution whose threads share outputs (`by_output.py`).

Numbers are as in `products.py`, the planes being those of all tiles; 23 is the number of parts of the
blocks that are jobs of their own forward, where there are fewer panels of outputs than threads.
"""

from __future__ import annotations

from cafpy.ops.convolution.winograd.filters import add_filter_gradients
from cafpy.ops.convolution.winograd.products import (
    buffers,
    convolve_panel,
    gradient_panel,
    rows_of,
    transform_filters,
    unpack,
)
from cafpy.ops.convolution.winograd.tiles import input_tiles
from cafpy.ops.kernel.chunks import clear
from cafpy.ops.kernel.lane_product import WIDE
from cafpy.ops.kernel.lanes import LANES
from cafpy.ops.kernel.threaded import threaded


@threaded
def transform_images(thread, threads, numbers, indices, x, v, work, d, e):
    """v (groups, 36, tiles, maps): this thread's share of the blocks of sixteen maps each."""
    (_, maps, _, groups), (inputs, _), source, _, pad, (taps, _), (_, blocks), (step, plane, _, _) = unpack(numbers)
    lines, _, _ = buffers(work, numbers, thread)
    clear(lines, 0, lines.size)
    pieces = (inputs - 1) // LANES + 1
    jobs = groups * pieces * blocks
    for job in range(thread * jobs // threads, (thread + 1) * jobs // threads):
        r0, r1, _ = rows_of(job % blocks, numbers)
        piece = job // blocks
        group, c = piece // pieces, piece % pieces * LANES
        first, some = group * inputs + c, min(LANES, inputs - c)
        to = group * 36 * plane + r0 * source[3] * step + c
        input_tiles(7 - taps, x, first, some, maps, r0, r1, source, pad[0], pad[1], lines, v, to, plane, step)


@threaded
def convolve_outputs(thread, threads, numbers, indices, v, weights, table, y, work):
    """y = conv + bias, and the epilogue: this thread's outputs, from the transformed images ``v``."""
    (_, _, _, groups), (inputs, results), source, _, _, _, (_, blocks), (step, plane, _, u_plane) = unpack(numbers)
    _, lines, own = buffers(work, numbers, thread)
    u, products = own[: 36 * u_plane], own[36 * u_plane :]
    panels, parts = (results - 1) // WIDE + 1, numbers[23]
    jobs = groups * panels * parts
    for job in range(thread * jobs // threads, (thread + 1) * jobs // threads):
        panel, part = job // parts, job % parts
        group, k = panel // panels, panel % panels * WIDE
        transform_filters(weights, group, k, 0, inputs, numbers, lines, u, 0)
        for block in range(part * blocks // parts, (part + 1) * blocks // parts):
            r0, r1, _ = rows_of(block, numbers)
            at = group * 36 * plane + r0 * source[3] * step
            convolve_panel(v, at, u, 0, group, k, r0, r1, numbers, table, products, lines, y)


@threaded
def add_gradient_of_outputs(thread, threads, numbers, indices, v, dy, dweight, work, unused):
    """Add to ``dweight`` for this thread's outputs, from the transformed images ``v``."""
    (_, _, _, groups), (inputs, results), source, _, _, (taps, _), (_, blocks), planes = unpack(numbers)
    step, plane, _, u_plane = planes
    of_filters, lines, own = buffers(work, numbers, thread)
    sums, products = own[: 36 * u_plane], own[36 * u_plane :]
    clear(lines, 0, lines.size)
    panels, area = (results - 1) // WIDE + 1, taps * taps
    jobs = groups * panels
    for job in range(thread * jobs // threads, (thread + 1) * jobs // threads):
        group, k = job // panels, job % panels * WIDE
        for block in range(blocks):
            r0, r1, _ = rows_of(block, numbers)
            at = group * 36 * plane + r0 * source[3] * step
            gradient_panel(
                v, at, dy, group, k, 0, inputs, r0, r1, numbers, products, lines, sums, 0, block != 0
            )  # fmt: skip
        first, some = (group * results + k) * inputs * area, min(WIDE, results - k)
        add_filter_gradients(sums, 0, u_plane, 1, 0, some, inputs, taps, of_filters, dweight, first)
