"""What a thread does for a Winograd convolution whose threads share outputs (`cafpy.ops.winograd_by_output`).

Numbers are as in `cafpy.ops.winograd_kernels`, with one block, and 18 is the number of outputs at a time; a plane of
the source is that of all maps, a plane of the result that of so many outputs.
"""

from __future__ import annotations

from cafpy.ops.blas import gemm
from cafpy.ops.chunks import clear
from cafpy.ops.threaded import threaded
from cafpy.ops.winograd_filters import add_filter_gradients, filter_planes
from cafpy.ops.winograd_kernels import unpack
from cafpy.ops.winograd_tiles import gradient_tiles, input_tiles, output_tiles

AT_ONCE = 64  # tiles of the images that are transformed at a time, in whole rows


@threaded
def transform_images(thread, threads, numbers, indices, x, v, work, d, e):
    """v (36 planes) of this thread's maps of x."""
    (images, maps, _), source, _, (pad_h, pad_w), _, (plane, _, each) = unpack(numbers)
    tiles, total = source[3], images * source[2]
    rows = max(1, AT_ONCE // tiles)
    lines = work[thread * each :]
    for c in range(thread * maps // threads, (thread + 1) * maps // threads):
        clear(lines, 0, 6 * rows * (4 * tiles + 4))  # the last rows, being fewer, have left something there
        for r in range(0, total, rows):
            to = (c * total + r) * tiles
            input_tiles(x, c, maps, r, min(total, r + rows), source, pad_h, pad_w, lines, v, to, plane)


@threaded
def convolve_outputs(thread, threads, numbers, indices, v, weights, bias, y, work):
    """y = conv + bias for this thread's outputs, from the transformed images ``v``."""
    (_, maps, outputs), _, result, _, (address, swapped, rows, _), (plane, result_plane, each) = unpack(numbers)
    at_once = numbers[18]
    n = rows * result[3]
    u_plane = at_once * maps + 16
    u = work[thread * each :]
    products = u[36 * u_plane :]
    lines = products[36 * result_plane :]
    last = (thread + 1) * outputs // threads
    for k0 in range(thread * outputs // threads, last, at_once):
        some = min(last - k0, at_once)
        if swapped:
            for c in range(maps):
                filter_planes(weights, c * outputs + k0, some, True, u, c * some, u_plane, lines)
        else:
            for k in range(some):
                filter_planes(weights, (k0 + k) * maps, maps, False, u, k * maps, u_plane, lines)
        for q in range(36):
            of_plane, to = u[q * u_plane :], products[q * result_plane :]
            step = some if swapped else maps
            gemm(address, swapped != 0, False, some, n, maps, 1.0, of_plane, step, v[q * plane :], n, 0.0, to, n)
        for k in range(some):
            value = bias[k0 + k] if bias.size else bias.dtype.type(0)
            output_tiles(products, k * n, result_plane, 0, rows, result, value, lines, y, k0 + k, outputs)


@threaded
def add_gradient_of_outputs(thread, threads, numbers, indices, v, dy, dweight, work, unused):
    """Add to ``dweight`` for this thread's outputs, from the transformed images ``v``."""
    (_, maps, outputs), _, result, _, (address, _, rows, _), (plane, result_plane, each) = unpack(numbers)
    at_once = numbers[18]
    n = rows * result[3]
    u_plane = at_once * maps + 16
    u = work[thread * each :]
    products = u[36 * u_plane :]
    lines = products[36 * result_plane :]
    last = (thread + 1) * outputs // threads
    for k0 in range(thread * outputs // threads, last, at_once):
        some = min(last - k0, at_once)
        clear(lines, 0, 40 * n)
        for k in range(some):
            gradient_tiles(dy, k0 + k, outputs, 0, rows, result, lines, products, k * n, result_plane)
        for q in range(36):
            a, to = products[q * result_plane :], u[q * u_plane :]
            gemm(address, False, True, some, maps, n, 1.0, a, n, v[q * plane :], n, 0.0, to, maps)
        for k in range(some):
            add_filter_gradients(u, k * maps, u_plane, maps, dweight, (k0 + k) * maps, lines)
