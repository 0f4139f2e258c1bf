"""What a thread does for a Winograd convolution whose threads share tiles (`by_tile.py`).

Numbers are as in `products.py`; 23 is the number of slots of `sum_products`.
"""

from __future__ import annotations

from cafpy.ops.convolution.winograd.filters import add_filter_gradients
from cafpy.ops.convolution.winograd.products import (
    buffers,
    convolve_panel,
    gradient_panel,
    rows_of,
    transform_filters,
    transform_inputs,
    unpack,
)
from cafpy.ops.kernel.chunks import clear
from cafpy.ops.kernel.lane_product import WIDE
from cafpy.ops.kernel.threaded import threaded

AT_ONCE = 64  # maps of a panel's filters that a thread transforms at a time


@threaded
def transform_weights(thread, threads, numbers, indices, weights, u, work, d, e):
    """u (groups, panels of outputs, 36, maps, WIDE)."""
    (_, _, _, groups), (inputs, results), _, _, _, _, _, (_, _, _, u_plane) = unpack(numbers)
    lines, _, _ = buffers(work, numbers, thread)
    panels, pieces = (results - 1) // WIDE + 1, (inputs - 1) // AT_ONCE + 1
    jobs = groups * panels * pieces
    for job in range(thread * jobs // threads, (thread + 1) * jobs // threads):
        panel, piece = job // pieces, job % pieces
        c0 = piece * AT_ONCE
        c1, k = min(inputs, c0 + AT_ONCE), panel % panels * WIDE
        transform_filters(weights, panel // panels, k, c0, c1, numbers, lines, u, panel * 36 * u_plane)


@threaded
def convolve(thread, threads, numbers, indices, x, u, table, y, work):
    """y = conv(x) + bias, and the epilogue, with the transformed weights ``u``: this thread's blocks."""
    (_, _, _, groups), (_, results), _, _, _, _, (_, blocks), (_, plane, _, u_plane) = unpack(numbers)
    lines, of_outputs, own = buffers(work, numbers, thread)
    v, products = own[: 36 * plane], own[36 * plane :]
    clear(lines, 0, lines.size)
    panels, jobs = (results - 1) // WIDE + 1, blocks * groups
    for job in range(thread * jobs // threads, (thread + 1) * jobs // threads):
        r0, r1, _ = rows_of(job // groups, numbers)
        group = job % groups
        transform_inputs(x, group, r0, r1, numbers, lines, v, 0)
        for panel in range(panels):
            at, k = (group * panels + panel) * 36 * u_plane, panel * WIDE
            convolve_panel(v, 0, u, at, group, k, r0, r1, numbers, table, products, of_outputs, y)


@threaded
def sum_products(thread, threads, numbers, indices, x, dy, sums, work, unused):
    """sums (slots, groups, panels of outputs, 36, maps, WIDE): gradients of the transformed weights, each slot that of
    a team's blocks; of a team each thread takes some panels."""
    (_, _, _, groups), (inputs, results), _, _, _, _, (_, blocks), (_, plane, _, u_plane) = unpack(numbers)
    slots = numbers[23]
    team, member, members = thread % slots, thread // slots, threads // slots
    lines, of_outputs, own = buffers(work, numbers, thread)
    v, products = own[: 36 * plane], own[36 * plane :]
    clear(lines, 0, lines.size)
    clear(of_outputs, 0, of_outputs.size)
    panels, size = (results - 1) // WIDE + 1, 36 * u_plane
    first = team * blocks // slots
    for block in range(first, (team + 1) * blocks // slots):
        r0, r1, _ = rows_of(block, numbers)
        for group in range(groups):
            transform_inputs(x, group, r0, r1, numbers, lines, v, 0)
            for panel in range(member * panels // members, (member + 1) * panels // members):
                at, k = ((team * groups + group) * panels + panel) * size, panel * WIDE
                gradient_panel(
                    v, 0, dy, group, k, 0, inputs, r0, r1, numbers, products, of_outputs, sums, at, block != first
                )  # fmt: skip


@threaded
def add_weight_gradient(thread, threads, numbers, indices, sums, dweight, work, d, e):
    """Add to ``dweight`` what ``sums`` come to."""
    (_, _, _, groups), (inputs, results), _, _, _, (taps, _), _, (_, _, _, u_plane) = unpack(numbers)
    lines, _, _ = buffers(work, numbers, thread)
    panels, slots, size = (results - 1) // WIDE + 1, numbers[23], 36 * u_plane
    jobs = groups * panels
    for job in range(thread * jobs // threads, (thread + 1) * jobs // threads):
        group, k = job // panels, job % panels * WIDE
        first = (group * results + k) * inputs * taps * taps
        some = min(WIDE, results - k)
        add_filter_gradients(
            sums, job * size, u_plane, slots, jobs * size, some, inputs, taps, lines, dweight, first
        )  # fmt: skip
