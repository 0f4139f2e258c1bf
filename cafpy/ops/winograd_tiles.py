"""Tiles of 4 x 4 outputs inside Numba kernels: from the rows of maps to 36 planes of transformed tiles and back.

A block is some rows of tiles, counted over all images of the batch, so that small maps make long loops too. All arrays
are flat; ``shape`` is everywhere (height, width of the map, rows of tiles of a map, tiles of a row), r0 to r1 the block
and n its tiles. Plane q of tile t stands at ``q * plane + t`` behind where it is asked for.
"""

from __future__ import annotations

from cafpy.ops.chunks import CHUNK, SLACK, clear, copy, copy_chunk, kernel
from cafpy.ops.winograd_transforms import (
    gradient_columns,
    gradient_rows,
    input_columns,
    input_rows,
    output_columns,
    output_rows,
)


@kernel
def input_tiles(x, m, maps, r0, r1, shape, pad_h, pad_w, lines, v, at, plane):
    """Map ``m`` of ``maps``, transformed. Of ``lines`` is zero, and stays so, what is padding left and right; only the
    first 12 * (r1 - r0) * (4 * tiles of a row + 4) + 8 * n elements and SLACK are used."""
    h, w, rows, tiles = shape
    n = (r1 - r0) * tiles
    pitch = 4 * tiles + 4  # two columns more than the tiles have outputs
    size = (r1 - r0) * pitch
    for r in range(r0, r1):
        start = (r // rows * maps + m) * h * w
        top = r % rows * 4 - pad_h
        for i in range(6):
            to = i * size + (r - r0) * pitch
            if 0 <= top + i < h:
                copy(x, start + (top + i) * w, lines, to + pad_w, w)
            else:
                clear(lines, to, pitch)
    d, f = lines, lines[6 * size :]
    input_columns(
        size,
        d, d[size:], d[2 * size :], d[3 * size :], d[4 * size :], d[5 * size :],
        f, f[size:], f[2 * size :], f[3 * size :], f[4 * size :], f[5 * size :],
    )  # fmt: skip
    line = lines[12 * size :]
    beyond = line[4 * n + SLACK :]
    for i in range(6):
        o = v[at + 6 * i * plane :]
        planes = o, o[plane:], o[2 * plane :], o[3 * plane :], o[4 * plane :], o[5 * plane :]
        if r1 - r0 == 1:
            input_rows(n, f[i * size :], f[i * size + 4 :], *planes)
        else:
            for r in range(r1 - r0):  # without the two columns more, where the next row of tiles begins
                for j in range(0, 4 * tiles, CHUNK // 4):
                    copy_chunk(f, i * size + r * pitch + j, line, r * 4 * tiles + j)
                    copy_chunk(f, i * size + r * pitch + j + 4, beyond, r * 4 * tiles + j)
            input_rows(n, line, beyond, *planes)


@kernel
def output_tiles(planes, at, plane, r0, r1, shape, bias, lines, y, m, maps):
    """Map ``m`` of ``maps`` of ``y`` from its planes. Only the first 28 * n elements of ``lines`` are used."""
    h, w, rows, tiles = shape
    n = (r1 - r0) * tiles
    for j in range(6):
        q, e = planes[at + j * plane :], lines[j * n :]
        output_columns(
            n,
            q, q[6 * plane :], q[12 * plane :], q[18 * plane :], q[24 * plane :], q[30 * plane :],
            e, e[6 * n :], e[12 * n :], e[18 * n :],
        )  # fmt: skip
    line = lines[24 * n :]
    for i in range(4):
        e = lines[6 * i * n :]
        output_rows(n, e, e[n:], e[2 * n :], e[3 * n :], e[4 * n :], e[5 * n :], bias, line)
        for r in range(r0, r1):
            row = r % rows * 4 + i
            if row < h:
                copy(line, (r - r0) * 4 * tiles, y, ((r // rows * maps + m) * h + row) * w, w)


@kernel
def gradient_tiles(dy, m, maps, r0, r1, shape, lines, planes, at, plane):
    """Map ``m`` of ``maps`` of the outputs' gradient, as products' gradients. Of ``lines`` is zero, and stays so, what
    the last tile of a row has beyond the map; only the first 40 * n elements are used."""
    h, w, rows, tiles = shape
    n = (r1 - r0) * tiles
    size = 4 * n
    for r in range(r0, r1):
        start = (r // rows * maps + m) * h * w
        for i in range(4):
            to, row = i * size + (r - r0) * 4 * tiles, r % rows * 4 + i
            if row < h:
                copy(dy, start + row * w, lines, to, w)
            else:
                clear(lines, to, 4 * tiles)
    f = lines[4 * size :]
    gradient_columns(
        size,
        lines, lines[size:], lines[2 * size :], lines[3 * size :],
        f, f[size:], f[2 * size :], f[3 * size :], f[4 * size :], f[5 * size :],
    )  # fmt: skip
    for i in range(6):
        o = planes[at + 6 * i * plane :]
        gradient_rows(n, f[i * size :], o, o[plane:], o[2 * plane :], o[3 * plane :], o[4 * plane :], o[5 * plane :])
