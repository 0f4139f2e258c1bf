"""What a thread does for a Winograd convolution: transform the weights; forward; gradients of the weights.

The numbers that the kernels are given (the source is x and the result y, or the other way round backward to data):

    0   images; maps of the source and of the result; height and width of both; pad of the source
    9   address of BLAS's product; whether weights are (source, result) maps and flipped
    11  rows of tiles of a map, tiles of a row, rows of tiles of a block, blocks
    15  elements of a plane of the source and of the result, and each thread's in ``work``
    18  slots of the sums of `sum_products`
"""

from __future__ import annotations

from cafpy.ops.blas import gemm
from cafpy.ops.chunks import clear, kernel
from cafpy.ops.threaded import threaded
from cafpy.ops.winograd_filters import add_filter_gradients, filter_planes
from cafpy.ops.winograd_tiles import gradient_tiles, input_tiles, output_tiles


@threaded
def transform_weights(thread, threads, numbers, indices, weights, u, work, d, e):
    """u (36, first, second) from ``weights`` (first, second, 3, 3); numbers: first, second, whether to flip them."""
    first, n = numbers[0], numbers[1]
    for k in range(thread * first // threads, (thread + 1) * first // threads):
        filter_planes(weights, k * n, n, numbers[2] != 0, u, k * n, first * n, work[thread * 27 * n :])


@kernel
def unpack(m):
    """The numbers by subject: the batch, shapes as in `cafpy.ops.winograd_tiles`, pad, the plan, sizes in ``work``."""
    source, result = (m[3], m[4], m[11], m[12]), (m[5], m[6], m[11], m[12])
    return (m[0], m[1], m[2]), source, result, (m[7], m[8]), (m[9], m[10], m[13], m[14]), (m[15], m[16], m[17])


@threaded
def convolve(thread, threads, numbers, indices, x, u, bias, y, work):
    """y = conv(x) + bias with the transformed weights ``u``: this thread's blocks."""
    (images, maps, outputs), source, result, (pad_h, pad_w), (address, swapped, rows, blocks), size = unpack(numbers)
    plane, result_plane, each = size
    v = work[thread * each :]
    products = v[36 * plane :]
    lines = products[36 * result_plane :]
    clear(lines, 0, each - 36 * (plane + result_plane))
    ld = rows * source[3]
    scratch = lines[12 * rows * (4 * source[3] + 4) :]  # what is zero in lines must stay so
    for block in range(thread * blocks // threads, (thread + 1) * blocks // threads):
        r0 = block * rows
        r1 = min(r0 + rows, images * source[2])
        n = (r1 - r0) * source[3]
        for c in range(maps):
            input_tiles(x, c, maps, r0, r1, source, pad_h, pad_w, lines, v, c * ld, plane)
        for q in range(36):
            of_plane, to = u[q * maps * outputs :], products[q * result_plane :]
            step = outputs if swapped else maps
            gemm(address, swapped != 0, False, outputs, n, maps, 1.0, of_plane, step, v[q * plane :], ld, 0.0, to, ld)
        for k in range(outputs):
            value = bias[k] if bias.size else bias.dtype.type(0)
            output_tiles(products, k * ld, result_plane, r0, r1, result, value, scratch, y, k, outputs)


@threaded
def sum_products(thread, threads, numbers, indices, x, dy, sums, work, unused):
    """sums (slots, 36, outputs, maps): gradient of the transformed weights, each slot that of a team's blocks.

    Teams are as in `cafpy.ops.convolution_backward_weight`: of a team each thread takes some of the maps.
    """
    (images, maps, outputs), source, result, (pad_h, pad_w), (address, _, rows, blocks), size = unpack(numbers)
    plane, result_plane, each = size
    slots = numbers[18]
    team, member, members = thread % slots, thread // slots, threads // slots
    c0, c1 = member * maps // members, (member + 1) * maps // members
    v = work[thread * each :]
    products = v[36 * plane :]
    lines = products[36 * result_plane :]
    ld = rows * source[3]
    first = team * blocks // slots
    for block in range(first, (team + 1) * blocks // slots):
        r0 = block * rows
        r1 = min(r0 + rows, images * source[2])
        n = (r1 - r0) * source[3]
        clear(lines, 0, each - 36 * (plane + result_plane))
        for c in range(c0, c1):
            input_tiles(x, c, maps, r0, r1, source, pad_h, pad_w, lines, v, c * ld, plane)
        clear(lines, 0, each - 36 * (plane + result_plane))
        for k in range(outputs):
            gradient_tiles(dy, k, outputs, r0, r1, result, lines, products, k * ld, result_plane)
        for q in range(36):
            a, b, to = products[q * result_plane :], v[q * plane + c0 * ld :], sums[(team * 36 + q) * outputs * maps :]
            add = 0.0 if block == first else 1.0
            gemm(address, False, True, outputs, c1 - c0, n, 1.0, a, ld, b, ld, add, to[c0:], maps)


@threaded
def add_weight_gradient(thread, threads, numbers, indices, sums, dweight, work, d, e):
    """Add to ``dweight`` what ``sums`` (slots, 36, outputs, maps) come to; numbers: outputs, maps, slots."""
    outputs, n, slots = numbers[0], numbers[1], numbers[2]
    plane = outputs * n
    f = work[thread * 27 * n :]
    for k in range(thread * outputs // threads, (thread + 1) * outputs // threads):
        for slot in range(1, slots):
            for q in range(36):
                part, to = sums[(slot * 36 + q) * plane + k * n :], sums[q * plane + k * n :]
                for c in range(n):
                    to[c] += part[c]
        add_filter_gradients(sums, k * n, plane, n, dweight, k * n, f)
