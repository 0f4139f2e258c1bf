"""Tiles of sixteen maps inside Numba kernels: from images to planes, and from products of planes back to images.

A tile has 6 x 6 inputs and `outputs` x `outputs` (4 or 2) outputs; plane q = 6 i + j holds product (i, j) of all tiles
and maps. Tiles are taken in whole rows, counted over all images; `shape` is (height, width, rows of tiles of a map,
tiles of a row). Sixteen maps are first turned so that they lie beside each other: a pixel is sixteen numbers then. All
arrays are flat.
"""

from __future__ import annotations

from cafpy.ops.convolution.epilogue import finish_lanes
from cafpy.ops.convolution.winograd.transforms import gradient_line, input_line, output_line
from cafpy.ops.kernel.chunks import kernel
from cafpy.ops.kernel.lanes import LANES, transpose_in, transpose_out


@kernel
def _turn(x, c, count, maps, image, size, p0, p1, pixels):
    """Pixels p0 to p1 of maps c to c + count of an image, as ``pixels``; ``size`` is of a map."""
    start = (image * maps + c) * size
    for p in range(p0, p1, LANES):
        transpose_in(x, start + p, size, count, p1 - p, pixels, (p - p0) * LANES, LANES)


@kernel
def input_tiles(outputs, x, c, count, maps, r0, r1, shape, pad_h, pad_w, work, v, at, plane, step):
    """v[at + q * plane + t * step] of rows r0 to r1 of tiles of maps c to c + count. Of ``work`` is zero, and stays so,
    a row of the image, and in the six lines behind what lies around the image; the pixels are turned behind these."""
    h, w, rows, tiles = shape
    width = (tiles * outputs + 6 - outputs) * LANES
    lines = w * LANES
    turned = lines + 6 * width
    r = r0
    while r < r1:
        image, first = r // rows, r % rows
        last = min(rows, first + r1 - r)
        top, bottom = max(0, first * outputs - pad_h), min(h, (last - 1) * outputs + 6 - pad_h)
        _turn(x, c, count, maps, image, h * w, top * w, bottom * w, work[turned:])
        for row in range(first, last):
            y = row * outputs - pad_h
            i0 = turned + (y - top) * w * LANES if y >= 0 and y < h else 0
            i1 = turned + (y + 1 - top) * w * LANES if y + 1 >= 0 and y + 1 < h else 0
            i2 = turned + (y + 2 - top) * w * LANES if y + 2 >= 0 and y + 2 < h else 0
            i3 = turned + (y + 3 - top) * w * LANES if y + 3 >= 0 and y + 3 < h else 0
            i4 = turned + (y + 4 - top) * w * LANES if y + 4 >= 0 and y + 4 < h else 0
            i5 = turned + (y + 5 - top) * w * LANES if y + 5 >= 0 and y + 5 < h else 0
            to = lines + pad_w * LANES
            for j in range(0, w * LANES, LANES):
                input_line(work, i0 + j, i1 + j, i2 + j, i3 + j, i4 + j, i5 + j, work, to + j, width)
            tile = at + ((r - r0 + row - first) * tiles) * step
            for _ in range(tiles):
                for i in range(6):
                    a = to - pad_w * LANES + i * width
                    b, d = a + 2 * LANES, a + 4 * LANES
                    input_line(work, a, a + LANES, b, b + LANES, d, d + LANES, v, tile + 6 * i * plane, plane)
                to += outputs * LANES
                tile += step
        r += last - first


@kernel
def output_tiles(outputs, m, at, plane, step, r0, r1, shape, table, k, count, maps, work, y):
    """Maps k to k + count of y from m[at + q * plane + t * step]; ``table`` as `cafpy.ops.convolution.epilogue` has
    it."""
    h, w, rows, tiles = shape
    line = 6 * tiles * LANES
    pixels = outputs * line
    r = r0
    while r < r1:
        image, first = r // rows, r % rows
        last = min(rows, first + r1 - r)
        p0, p1 = first * outputs * w, min(h, last * outputs) * w
        for row in range(first, last):
            tile = at + (r - r0 + row - first) * tiles * step
            for t in range(0, 6 * tiles * LANES, 6 * LANES):
                for j in range(6):
                    output_line(outputs, m, tile + j * plane, 6 * plane, work, t + j * LANES, line)
                tile += step
            for i in range(min(outputs, h - row * outputs)):
                # what the last tile has beyond the row is overwritten by the next
                to = pixels + ((row * outputs + i) * w - p0) * LANES
                for t in range(i * line, (i + 1) * line, 6 * LANES):
                    output_line(outputs, work, t, LANES, work, to, LANES)
                    to += outputs * LANES
        finish_lanes(table, maps, k, count, work, pixels, pixels + (p1 - p0) * LANES)
        start = (image * maps + k) * h * w
        for p in range(p0, p1, LANES):
            transpose_out(work, pixels + (p - p0) * LANES, LANES, y, start + p, h * w, count, p1 - p)
        r += last - first


@kernel
def gradient_tiles(outputs, dy, k, count, maps, r0, r1, shape, work, m, at, plane, step):
    """m[at + q * plane + t * step], the products' gradients, from maps k to k + count of the outputs' gradient. Of
    ``work`` is zero, and stays so, a row of the map, and in the six lines behind what the last tile has beyond it."""
    h, w, rows, tiles = shape
    width = tiles * outputs * LANES
    lines = w * LANES
    turned = lines + 6 * width
    r = r0
    while r < r1:
        image, first = r // rows, r % rows
        last = min(rows, first + r1 - r)
        top = first * outputs
        _turn(dy, k, count, maps, image, h * w, top * w, min(h, last * outputs) * w, work[turned:])
        for row in range(first, last):
            y = row * outputs
            i0 = turned + (y - top) * w * LANES
            i1 = i0 + w * LANES if y + 1 < h else 0
            i2 = i0 + 2 * w * LANES if y + 2 < h else 0
            i3 = i0 + 3 * w * LANES if y + 3 < h else 0
            for j in range(0, w * LANES, LANES):
                gradient_line(outputs, work, i0 + j, i1 + j, i2 + j, i3 + j, work, lines + j, width)
            tile, to = at + (r - r0 + row - first) * tiles * step, lines
            for _ in range(tiles):
                for i in range(6):
                    a = to + i * width
                    b = a + 2 * LANES
                    gradient_line(outputs, work, a, a + LANES, b, b + LANES, m, tile + 6 * i * plane, plane)
                to += outputs * LANES
                tile += step
        r += last - first
