"""Convolution forward: bias and one matrix product for each block of windows."""

from __future__ import annotations

from cafpy.ops.convolution.columns import block, buffers, exchange, unpack
from cafpy.ops.convolution.epilogue import finish_piece
from cafpy.ops.kernel.blas import gemm
from cafpy.ops.kernel.chunks import copy, fill
from cafpy.ops.kernel.threaded import threaded


@threaded
def forward(thread, threads, numbers, indices, x, weight, bias, y, work):
    """y = conv(x, weight) + bias, and the epilogue: this thread's share of the jobs; a job is one block and one of the
    ``shares`` of the outputs of one group.

    ``numbers`` and ``work`` as `cafpy.ops.convolution.blocked` tells; ``bias`` as `with_bias` of
    `cafpy.ops.convolution.epilogue`.
    """
    g, (n, maps, outputs, group), (address, direct, images, places, blocks, shares, add) = unpack(numbers)
    inputs, results = maps // group, outputs // group
    depth, pixels = inputs * g[4] * g[5], g[2] * g[3]
    columns, lines, result = buffers(work, thread, numbers)
    jobs = blocks * group * shares
    for job in range(thread * jobs // threads, (thread + 1) * jobs // threads):
        n0, n1, p0, p1 = block(job % blocks, n, pixels, images, places)
        part, share = job // blocks // shares, job // blocks % shares
        first = part * results + share * results // shares
        count = part * results + (share + 1) * results // shares - first
        size = (n1 - n0) * (p1 - p0)
        if direct:
            matrix, step = x[(n0 * maps + part * inputs) * pixels + p0 :], pixels
        else:
            exchange(x, maps, n0, n1, part * inputs, (part + 1) * inputs, p0, p1, g, columns, lines, add)
            matrix, step = columns, size
        alone = n1 - n0 == 1
        if alone:
            target, ld = y[(n0 * outputs + first) * pixels + p0 :], pixels
        else:
            target, ld = result, size
        # BLAS adds to what is there at no more cost than overwriting it
        for k in range(count):
            fill(target, k * ld, size, bias[first + k] if bias.size else bias.dtype.type(0))
        of_part = weight[first * depth :]
        gemm(address, False, False, count, size, depth, 1.0, of_part, depth, matrix, step, 1.0, target, ld)
        for k in range(count):
            finish_piece(bias, outputs, first + k, target, k * ld, size)
        if not alone:
            for k in range(count):
                for i in range(n1 - n0):
                    copy(result, k * size + i * pixels, y, ((n0 + i) * outputs + first + k) * pixels, pixels)
