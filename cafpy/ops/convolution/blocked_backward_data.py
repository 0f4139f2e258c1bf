"""Convolution backward to the images: the transposed weights times the outputs' gradient, summed over windows.

Windows overlap, so a thread takes all windows of the images and input maps that it works on.
"""

from __future__ import annotations

from cafpy.ops.convolution.columns import block, buffers, exchange, gather, unpack
from cafpy.ops.kernel.blas import gemm
from cafpy.ops.kernel.chunks import fill
from cafpy.ops.kernel.threaded import threaded


@threaded
def backward_data(thread, threads, numbers, indices, dy, weight, bias, dx, work):
    """dx = gradient of the images + bias: this thread's share of the jobs; a job is some images and some maps of one
    group. ``bias`` (maps,) is a deconvolution's; empty for a convolution.

    ``numbers`` and ``work`` as `cafpy.ops.convolution.blocked` tells.
    """
    g, (n, maps, outputs, group), (address, direct, images, places, blocks, at_once, add) = unpack(numbers)
    inputs, results = maps // group, outputs // group
    area, pixels, plane = g[4] * g[5], g[2] * g[3], g[0] * g[1]
    depth = inputs * area
    columns, lines, result = buffers(work, thread, numbers)
    pieces = (inputs - 1) // at_once + 1  # of a group
    batches = (n - 1) // images + 1
    each = blocks // batches
    jobs = batches * group * pieces
    for job in range(thread * jobs // threads, (thread + 1) * jobs // threads):
        batch, piece = job // (group * pieces), job % (group * pieces)
        part = piece // pieces
        c0 = part * inputs + piece % pieces * at_once
        c1 = min((part + 1) * inputs, c0 + at_once)
        first, rows = part * results, (c1 - c0) * area
        of_part = weight[first * depth + (c0 - part * inputs) * area :]
        for index in range(batch * each, (batch + 1) * each):
            n0, n1, p0, p1 = block(index, n, pixels, images, places)
            size = (n1 - n0) * (p1 - p0)
            if p0 == 0:
                for i in range(n0, n1):
                    for c in range(c0, c1):
                        fill(dx, (i * maps + c) * plane, plane, bias[c] if bias.size else bias.dtype.type(0))
            gradient, ld = gather(dy, outputs, n0, n1, p0, first, results, pixels, result)
            if direct:
                target, step, beta = dx[(n0 * maps + c0) * pixels + p0 :], pixels, 1.0
            else:
                target, step, beta = columns, size, 0.0
            gemm(address, True, False, rows, size, results, 1.0, of_part, depth, gradient, ld, beta, target, step)
            if not direct:
                exchange(dx, maps, n0, n1, c0, c1, p0, p1, g, columns, lines, add)
