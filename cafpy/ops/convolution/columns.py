"""Column matrices inside Numba kernels: a block of windows of a few images, built in a buffer that stays in cache.

The rows of a map that a block needs are first copied into lines (`cafpy.ops.kernel.lines`). From there each row of the
column matrix is made of contiguous pieces, for every geometry. These are short (one row of the output), so they are
moved in chunks of 64 bytes that may run over their end: into what is written next, or into the SLACK that every buffer
has.

All arrays are flat. `g` is everywhere (height, width, output height, output width, kernel h, w, stride h, w, pad h, w,
dilation h, w), and `maps` the number of maps of an image.
"""

from __future__ import annotations

from cafpy.ops.kernel.chunks import CHUNK, SLACK, add_chunk, clear, copy, copy_chunk, kernel
from cafpy.ops.kernel.lines import add_lines, line_width, read_lines


@kernel
def exchange(x, maps, n0, n1, c0, c1, p0, p1, g, columns, lines, add):
    """Windows p0 to p1 of maps c0 to c1 of images n0 to n1.

    Row by row of the column matrix (channel, place in the kernel), image beside image. ``add`` 0: from ``x`` to
    ``columns`` (im2col); 1: from ``columns``, added to ``x`` (col2im). Only the beginnings of ``columns`` and
    ``lines`` are used, and SLACK beyond.
    """
    _, _, _, w, kh, kw, sh, sw, ph, _, dh, dw = g
    n = n1 - n0
    row0, row1 = p0 // w, (p1 - 1) // w + 1
    top = row0 * sh - ph
    count = (row1 - row0 - 1) * sh + (kh - 1) * dh + 1
    width = line_width(g) if add else line_width(g) - SLACK
    line = sw * width
    zero, step = x.dtype.type(0), CHUNK // x.itemsize
    at = 0
    for c in range(c0, c1):
        if add:
            clear(lines, 0, n * count * line)
        else:
            for i in range(n):
                read_lines(x, (n0 + i) * maps + c, top, count, g, width, zero, lines[i * count * line :])
        for a in range(kh):
            phase, column = 0, 0  # of place b in the kernel: b * dw = column * sw + phase
            for _ in range(kw):
                source = a * dh * line + phase * width + column
                for _ in range(n):
                    piece, start = source, p0 - row0 * w
                    for row in range(row0, row1):
                        length = min(w, p1 - row * w) - start
                        j = 0
                        while j < length:
                            if add:
                                add_chunk(columns, at + j, lines, piece + start + j, length - j)
                            else:
                                copy_chunk(lines, piece + start + j, columns, at + j)
                            j += step
                        at += length
                        piece, start = piece + sh * line, 0
                    source += count * line
                phase += dw
                while phase >= sw:
                    phase -= sw
                    column += 1
        if add:
            for i in range(n):
                add_lines(lines[i * count * line :], x, (n0 + i) * maps + c, top, count, g)


@kernel
def block(index, n, pixels, images, places):
    """Images n0 to n1 and windows p0 to p1 of block ``index``: ``places`` windows of one image, or, where ``places``
    is all ``pixels`` of them, those of ``images`` images."""
    each = (pixels - 1) // places + 1
    n0, p0 = index // each * images, index % each * places
    return n0, min(n, n0 + images), p0, min(pixels, p0 + places)


@kernel
def gather(source, maps, n0, n1, p0, first, count, pixels, to):
    """``count`` maps from ``first`` on of images n0 to n1 as rows of one matrix, image beside image; the matrix and the
    step from row to row. Of one image, from window p0 on, they are that already."""
    if n1 - n0 == 1:
        return source[(n0 * maps + first) * pixels + p0 :], pixels
    at = 0
    for k in range(first, first + count):
        for n in range(n0, n1):
            copy(source, (n * maps + k) * pixels, to, at, pixels)
            at += pixels
    return to, (n1 - n0) * pixels


@kernel
def unpack(numbers):
    """The numbers of a kernel by subject: g, the batch, the plan (see `cafpy.ops.convolution.blocked`)."""
    m = numbers
    g = (m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9], m[10], m[11])
    return g, (m[12], m[13], m[14], m[15]), (m[16], m[17], m[18], m[19], m[20], m[21], m[22])


@kernel
def buffers(work, thread, numbers):
    """This thread's buffers for columns, lines and a block of the output."""
    columns, lines, result = numbers[23], numbers[24], numbers[25]
    at = thread * (columns + lines + result)
    return work[at : at + columns], work[at + columns : at + columns + lines], work[at + columns + lines :]
