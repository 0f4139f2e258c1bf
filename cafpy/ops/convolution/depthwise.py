"""Depthwise convolution for the CPU: a group for each map, so no sum over maps and no use for a matrix product.

A map is read into lines (`cafpy.ops.kernel.lines`), some rows of windows at a time; then each place of the kernel is a
weight times shifted lines. All three directions move memory rather than compute.

The numbers that the kernels are given:

    0   g, the twelve numbers of `cafpy.ops.kernel.lines`
    12  images of the batch, maps, outputs of a map
    15  rows of windows of a block; elements of each thread's two buffers in ``work``: lines, a block of the output
"""

from __future__ import annotations

from math import prod

import numba
import numpy as np

from cafpy.backend import Array
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.kernel.chunks import CHUNK, SLACK, add_product_chunk, clear, copy, fill, kernel, total
from cafpy.ops.kernel.lines import add_lines, line_span, line_width, read_lines, spread_rows, tap_offsets, weigh_rows
from cafpy.ops.kernel.threaded import NO_INDICES, threaded
from cafpy.ops.kernel.workspace import workspace

BLOCK = 1 << 12  # elements of a block of the output: with its lines, what an L1 cache holds
SERIAL = 1 << 15  # multiplications that one thread does before others would have been woken


class DepthwiseConvolution:
    """A plan for one geometry and dtype with as many groups as maps: block size, the three directions."""

    def __init__(self, geometry: Geometry, dtype: np.dtype):
        g = geometry
        area = prod(g.kernel)
        self.threads = 1 if g.images * g.outputs * g.places * area < SERIAL else numba.get_num_threads()
        self.dtype = dtype
        self.none = np.empty(0, dtype)
        rows = max(1, min(g.windows[0], BLOCK // g.windows[1]))
        width = g.windows[1] + (g.kernel[1] - 1) * g.dilation[1] // g.stride[1] + SLACK
        line = g.stride[1] * width
        lines = ((rows - 1) * g.stride[0] + g.extent[0]) * line + SLACK
        result = (rows + area) * (g.windows[1] + SLACK)  # and the sums of backward_weight
        shape = (*g.size, *g.windows, *g.kernel, *g.stride, *g.pad, *g.dilation)
        self.numbers = np.array([*shape, g.images, g.channels, g.outputs_per_group, rows, lines, result], np.int64)
        self.work = self.threads * (lines + result)  # elements

    def forward(self, x: Array, weight: Array, bias: Array | None, y: Array) -> None:
        """y = conv(x, weight) + bias."""
        bias = self.none if bias is None else bias
        _forward(self.threads, self.numbers, NO_INDICES, x, weight, bias, y, workspace(self.work, self.dtype))

    def backward_data(self, dy: Array, weight: Array, bias: Array | None, dx: Array) -> None:
        """dx = gradient of the images, plus ``bias`` (channels,) where a deconvolution has one."""
        bias = self.none if bias is None else bias
        _backward_data(self.threads, self.numbers, NO_INDICES, dy, weight, bias, dx, workspace(self.work, self.dtype))

    def backward_weight(self, x: Array, dy: Array, dweight: Array) -> None:
        """Add the gradient of the weights to ``dweight``."""
        _backward_weight(self.threads, self.numbers, NO_INDICES, x, dy, dweight, workspace(self.work, self.dtype))


@kernel
def _unpack(m, work, thread):
    """The numbers by subject, and this thread's buffers."""
    g = (m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9], m[10], m[11])
    at = thread * (m[16] + m[17])
    return g, m[12], m[13], m[14], m[15], work[at : at + m[16]], work[at + m[16] : at + m[16] + m[17]]


@threaded
def _forward(thread, threads, numbers, indices, x, weight, bias, y, work):
    """This thread's share of images and maps."""
    g, images, maps, times, rows, lines, result = _unpack(numbers, work, thread)
    oh, ow, width, offsets = g[2], g[3], line_width(g), tap_offsets(g)
    zero = x.dtype.type(0)
    for m in range(thread * images * maps // threads, (thread + 1) * images * maps // threads):
        for row in range(0, oh, rows):
            some = min(oh - row, rows)
            top, count = line_span(g, row, some)
            read_lines(x, m, top, count, g, width, zero, lines)
            for k in range(times):
                output = m % maps * times + k
                start = bias[output] if bias.size else zero
                weigh_rows(lines, g, some, offsets, weight, output * offsets.size, start, result)
                for i in range(some):
                    copy(result, i * (ow + SLACK), y, ((m * times + k) * oh + row + i) * ow, ow)


@threaded
def _backward_data(thread, threads, numbers, indices, dy, weight, bias, dx, work):
    """This thread's share of images and maps."""
    g, images, maps, times, rows, lines, gradient = _unpack(numbers, work, thread)
    oh, width, offsets, plane = g[2], line_width(g), tap_offsets(g), g[0] * g[1]
    for m in range(thread * images * maps // threads, (thread + 1) * images * maps // threads):
        fill(dx, m * plane, plane, bias[m % maps] if bias.size else dx.dtype.type(0))
        for row in range(0, oh, rows):
            some = min(oh - row, rows)
            top, count = line_span(g, row, some)
            clear(lines, 0, count * g[7] * width)
            for k in range(times):
                _read(dy, (m * times + k) * oh + row, some, g[3], gradient)
                spread_rows(gradient, g, some, offsets, weight, (m % maps * times + k) * offsets.size, lines)
            add_lines(lines, dx, m, top, count, g)


@threaded
def _backward_weight(thread, threads, numbers, indices, x, dy, dweight, work, unused):
    """This thread's share of maps."""
    g, images, maps, times, rows, lines, gradient = _unpack(numbers, work, thread)
    oh, ow, width, offsets = g[2], g[3], line_width(g), tap_offsets(g)
    area, step, advance = offsets.size, CHUNK // x.itemsize, g[6] * g[7] * width
    sums = gradient[rows * (ow + SLACK) :]
    for c in range(thread * maps // threads, (thread + 1) * maps // threads):
        for n in range(images):
            for row in range(0, oh, rows):
                some = min(oh - row, rows)
                top, count = line_span(g, row, some)
                read_lines(x, n * maps + c, top, count, g, width, x.dtype.type(0), lines)
                for k in range(c * times, (c + 1) * times):
                    _read(dy, (n * maps * times + k) * oh + row, some, ow, gradient)
                    clear(sums, 0, area * step)
                    for i in range(some):
                        for j in range(0, ow, step):
                            at, source = i * (ow + SLACK) + j, i * advance + j
                            for place in range(area):
                                add_product_chunk(gradient, at, lines, source + offsets[place], sums, place * step)
                    for place in range(area):
                        dweight[k * area + place] += total(sums, place * step, (place + 1) * step)


@kernel
def _read(dy, row, rows, ow, to):
    """Rows of the outputs' gradient, each followed by zeros, so that what a chunk holds beyond a row does not count."""
    for i in range(rows):
        copy(dy, (row + i) * ow, to, i * (ow + SLACK), ow)
        clear(to, i * (ow + SLACK) + ow, SLACK)
