"""Depthwise convolution for the CPU: a group for each map, so no sum over maps and no use for a matrix product.

A map is read as in `cafpy.ops.convolution_columns`, some rows of windows at a time; then each place of the kernel is a
weight times shifted lines. All three directions move memory rather than compute.

The numbers that the kernels are given:

    0   g, the twelve numbers of `cafpy.ops.convolution_columns`
    12  images of the batch, maps, outputs of a map
    15  rows of windows of a block; elements of each thread's two buffers in ``work``: lines, a block of the output

and in ``indices``, for each place of the kernel, where in the lines window 0 has it.
"""

from __future__ import annotations

from itertools import product
from math import prod

import numba
import numpy as np

from cafpy.backend import Array
from cafpy.ops.chunks import CHUNK, SLACK, add_product_chunk, add_scaled_chunk, clear, copy, fill, kernel
from cafpy.ops.convolution_columns import add_lines, line_width, read_lines
from cafpy.ops.convolution_geometry import Geometry
from cafpy.ops.threaded import threaded

BLOCK = 1 << 12  # elements of a block of the output: with its lines, what an L1 cache holds
SERIAL = 1 << 15  # multiplications that one thread does before others would have been woken


class DepthwiseConvolution:
    """A plan for one geometry and dtype with as many groups as maps: block size, work space, the three directions."""

    def __init__(self, geometry: Geometry, dtype: np.dtype):
        g = geometry
        area = prod(g.kernel)
        self.threads = 1 if g.images * g.outputs * g.places * area < SERIAL else numba.get_num_threads()
        self.none = np.empty(0, dtype)
        rows = max(1, min(g.windows[0], BLOCK // g.windows[1]))
        width = g.windows[1] + (g.kernel[1] - 1) * g.dilation[1] // g.stride[1] + SLACK
        line = g.stride[1] * width
        lines = ((rows - 1) * g.stride[0] + g.extent[0]) * line + SLACK
        result = (rows + area) * (g.windows[1] + SLACK)  # and the sums of backward_weight
        shape = (*g.size, *g.windows, *g.kernel, *g.stride, *g.pad, *g.dilation)
        self.numbers = np.array([*shape, g.images, g.channels, g.outputs_per_group, rows, lines, result], np.int64)
        dh, dw = g.dilation
        sw = g.stride[1]
        places = product(range(g.kernel[0]), range(g.kernel[1]))
        self.offsets = np.array([a * dh * line + b * dw % sw * width + b * dw // sw for a, b in places], np.int32)
        self.work = np.empty(self.threads * (lines + result), dtype)

    def forward(self, x: Array, weight: Array, bias: Array | None, y: Array) -> None:
        """y = conv(x, weight) + bias."""
        bias = self.none if bias is None else bias
        _forward(self.threads, self.numbers, self.offsets, x, weight, bias, y, self.work)

    def backward_data(self, dy: Array, weight: Array, bias: Array | None, dx: Array) -> None:
        """dx = gradient of the images, plus ``bias`` (channels,) where a deconvolution has one."""
        bias = self.none if bias is None else bias
        _backward_data(self.threads, self.numbers, self.offsets, dy, weight, bias, dx, self.work)

    def backward_weight(self, x: Array, dy: Array, dweight: Array) -> None:
        """Add the gradient of the weights to ``dweight``."""
        _backward_weight(self.threads, self.numbers, self.offsets, x, dy, dweight, self.work)


@kernel
def _unpack(m, work, thread):
    """The numbers by subject, and this thread's buffers."""
    g = (m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9], m[10], m[11])
    at = thread * (m[16] + m[17])
    return g, m[12], m[13], m[14], m[15], work[at : at + m[16]], work[at + m[16] : at + m[16] + m[17]]


@kernel
def _lines(g, row, rows):
    """Of so many rows of windows: the first line, the number of lines, the width of a phase of a line."""
    return row * g[6] - g[8], (rows - 1) * g[6] + (g[4] - 1) * g[10] + 1, line_width(g)


@threaded
def _forward(thread, threads, numbers, offsets, x, weight, bias, y, work):
    """This thread's share of images and maps."""
    g, images, maps, times, rows, lines, result = _unpack(numbers, work, thread)
    oh, ow, area = g[2], g[3], g[4] * g[5]
    step = CHUNK // x.itemsize
    for job in range(thread * images * maps // threads, (thread + 1) * images * maps // threads):
        n, c = job // maps, job % maps
        for row in range(0, oh, rows):
            some = min(oh - row, rows)
            top, count, width = _lines(g, row, some)
            read_lines(x, maps, n, c, top, count, width, g, lines, 0)
            for k in range(c * times, (c + 1) * times):
                fill(result, 0, some * (ow + SLACK), bias[k] if bias.size else bias.dtype.type(0))
                for place in range(area):
                    factor, source, to = weight[k * area + place], offsets[place], 0
                    for _ in range(some):
                        j = 0
                        while j < ow:
                            add_scaled_chunk(factor, lines, source + j, result, to + j)
                            j += step
                        source += g[6] * g[7] * width
                        to += ow + SLACK
                at = ((n * maps * times + k) * oh + row) * ow
                for i in range(some):
                    copy(result, i * (ow + SLACK), y, at + i * ow, ow)


@threaded
def _backward_data(thread, threads, numbers, offsets, dy, weight, bias, dx, work):
    """This thread's share of images and maps."""
    g, images, maps, times, rows, lines, gradient = _unpack(numbers, work, thread)
    oh, ow, area, plane = g[2], g[3], g[4] * g[5], g[0] * g[1]
    step = CHUNK // dx.itemsize
    for job in range(thread * images * maps // threads, (thread + 1) * images * maps // threads):
        n, c = job // maps, job % maps
        fill(dx, job * plane, plane, bias[c] if bias.size else bias.dtype.type(0))
        for row in range(0, oh, rows):
            some = min(oh - row, rows)
            top, count, width = _lines(g, row, some)
            clear(lines, 0, count * g[7] * width)
            for k in range(c * times, (c + 1) * times):
                _read(dy, ((n * maps * times + k) * oh + row) * ow, some, ow, gradient)
                for place in range(area):
                    factor, to, source = weight[k * area + place], offsets[place], 0
                    for _ in range(some):
                        j = 0
                        while j < ow:
                            add_scaled_chunk(factor, gradient, source + j, lines, to + j)
                            j += step
                        source += ow + SLACK
                        to += g[6] * g[7] * width
            add_lines(lines, 0, width, dx, maps, n, c, top, count, g)


@threaded
def _backward_weight(thread, threads, numbers, offsets, x, dy, dweight, work, unused):
    """This thread's share of maps."""
    g, images, maps, times, rows, lines, gradient = _unpack(numbers, work, thread)
    oh, ow, area = g[2], g[3], g[4] * g[5]
    step = CHUNK // x.itemsize
    sums = gradient[rows * (ow + SLACK) :]
    for c in range(thread * maps // threads, (thread + 1) * maps // threads):
        for n in range(images):
            for row in range(0, oh, rows):
                some = min(oh - row, rows)
                top, count, width = _lines(g, row, some)
                read_lines(x, maps, n, c, top, count, width, g, lines, 0)
                for k in range(c * times, (c + 1) * times):
                    _read(dy, ((n * maps * times + k) * oh + row) * ow, some, ow, gradient)
                    clear(sums, 0, area * step)
                    for i in range(some):
                        source = i * g[6] * g[7] * width
                        j = 0
                        while j < ow:
                            at = i * (ow + SLACK) + j
                            for place in range(area):
                                add_product_chunk(gradient, at, lines, offsets[place] + source + j, sums, place * step)
                            j += step
                    for place in range(area):
                        total = sums[place * step]
                        for j in range(1, step):
                            total += sums[place * step + j]
                        dweight[k * area + place] += total


@kernel
def _read(dy, at, rows, ow, to):
    """Rows of the outputs' gradient, each followed by zeros, so that what a chunk holds beyond a row does not count."""
    for i in range(rows):
        copy(dy, at + i * ow, to, i * (ow + SLACK), ow)
        clear(to, i * (ow + SLACK) + ow, SLACK)
