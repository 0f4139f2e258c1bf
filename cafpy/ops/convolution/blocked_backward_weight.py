"""Convolution backward to the weights: the outputs' gradient times the transposed column matrix, summed over blocks.

Threads would meet in the sum. So they form ``slots`` teams; a team takes its share of the blocks and has an array of
its own to sum in (the weights' gradient itself, where there is one team), and in a team each thread takes its share
of the input maps, that is of the columns of that array. Small weights want many teams, large ones few.
"""

from __future__ import annotations

from cafpy.ops.convolution.columns import block, buffers, exchange, gather, unpack
from cafpy.ops.kernel.blas import gemm
from cafpy.ops.kernel.threaded import threaded


@threaded
def backward_weight(thread, threads, numbers, indices, x, dy, sums, work, unused):
    """Add to ``sums`` (slots, outputs, inputs of a group, kernel): this thread's share.

    ``numbers`` and ``work`` as `cafpy.ops.convolution.blocked` tells.
    """
    g, (n, maps, outputs, group), (address, direct, images, places, blocks, slots, add) = unpack(numbers)
    inputs, results = maps // group, outputs // group
    area, pixels = g[4] * g[5], g[2] * g[3]
    depth = inputs * area
    columns, lines, result = buffers(work, thread, numbers)
    team, member, members = thread % slots, thread // slots, threads // slots
    c_first, c_last = member * maps // members, (member + 1) * maps // members
    if c_first == c_last:
        return
    for index in range(team * blocks // slots, (team + 1) * blocks // slots):
        n0, n1, p0, p1 = block(index, n, pixels, images, places)
        size = (n1 - n0) * (p1 - p0)
        for part in range(c_first // inputs, (c_last - 1) // inputs + 1):
            c0, c1 = max(c_first, part * inputs), min(c_last, (part + 1) * inputs)
            first = part * results
            if direct:
                matrix, step = x[(n0 * maps + c0) * pixels + p0 :], pixels
            else:
                exchange(x, maps, n0, n1, c0, c1, p0, p1, g, columns, lines, add)
                matrix, step = columns, size
            gradient, ld = gather(dy, outputs, n0, n1, p0, first, results, pixels, result)
            start = (team * outputs + first) * depth + (c0 - part * inputs) * area
            rows = (c1 - c0) * area
            gemm(address, False, True, results, rows, size, 1.0, gradient, ld, matrix, step, 1.0, sums[start:], depth)
