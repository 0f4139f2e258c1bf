"""Depthwise convolution of 3 × 3 windows on small maps for the CPU, in float32: sixteen maps at once.

Rows of 14 or 7 pixels are too short for `cafpy.ops.convolution.depthwise_3x3`, which takes sixteen pixels at once. Here
sixteen maps are turned (`cafpy.ops.kernel.lanes`), so that a pixel is sixteen numbers and rows may have any length.

The gradient of the images is a convolution with the weights in reverse order, of the outputs' gradient with as many
zeros between its pixels as the stride has steps. That of the weights is summed in registers.

The numbers that the kernels are given:

    0   height, width, rows and columns of windows, stride, dilation, pad of rows and of columns, images, maps
    10  elements of a thread's buffers: turned pixels, padded images, padded gradient
    13  whether the gradient of images and of weights is wanted
"""

from __future__ import annotations

import numba
import numpy as np

from cafpy.backend import Array
from cafpy.ops.convolution.epilogue import Epilogue, finish_lanes, with_bias
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.kernel.chunks import clear, kernel
from cafpy.ops.kernel.lanes import LANES, all_lanes, load, load_first, store, store_first, transpose_in, transpose_out
from cafpy.ops.kernel.threaded import NO_INDICES, threaded
from cafpy.ops.kernel.workspace import workspace

SMALL = 1000  # pixels of a padded map: sixteen of them nearly stay in an L1 cache
SERIAL = 1 << 15  # multiplications that one thread does before others would have been woken


def fits(geometry: Geometry, dtype: np.dtype) -> bool:
    """Whether the geometry, with two axes and a group for each map, is one that is meant here."""
    g = geometry
    return (
        dtype == np.float32
        and g.kernel == (3, 3)
        and g.stride[0] == g.stride[1]
        and g.dilation[0] == g.dilation[1]
        and max(g.pad) <= 2 * g.dilation[0]
        and g.outputs == g.channels >= LANES
        and (g.size[0] + 2 * g.pad[0]) * (g.size[1] + 2 * g.pad[1]) <= SMALL
    )


class DepthwiseConvolutionOfMaps:
    """A plan for one geometry; :meth:`backward` computes both gradients at once."""

    finishes = True

    def __init__(self, geometry: Geometry, dtype: np.dtype):
        g = geometry
        self.threads = 1 if g.images * g.outputs * g.places * 9 < SERIAL else numba.get_num_threads()
        self.dtype, self.outputs = dtype, g.outputs
        self.none = np.empty(0, dtype)
        (height, width), stride, dilation, pad = g.size, g.stride[0], g.dilation[0], g.pad
        turned = max(height * width, g.places) + LANES
        images = (height + 2 * pad[0]) * (width + 2 * pad[1])
        gradient = (height + 2 * dilation) * (width + 2 * dilation)
        buffers = [LANES * size for size in (turned, images, gradient)]
        self.numbers = [*g.size, *g.windows, stride, dilation, *pad, g.images, g.channels, *buffers]
        self.work = self.threads * (sum(buffers) + LANES * LANES)  # elements

    def forward(self, x: Array, weight: Array, bias: Array | None, y: Array, epilogue: Epilogue | None = None) -> None:
        """y = conv(x, weight) + bias, and what the epilogue says."""
        numbers, table = np.array(self.numbers, np.int64), with_bias(bias, epilogue, self.outputs, self.dtype)
        _forward(self.threads, numbers, NO_INDICES, x, weight, table, y, workspace(self.work, self.dtype))

    def backward_data(self, dy: Array, weight: Array, bias: Array | None, dx: Array) -> None:
        """dx = gradient of the images, plus ``bias`` (channels,) where a deconvolution has one."""
        table = with_bias(bias, None, self.outputs, self.dtype)
        self._backward(dy, table, weight, self.none, dx)

    def backward_weight(self, x: Array, dy: Array, dweight: Array) -> None:
        """Add the gradient of the weights to ``dweight``."""
        self._backward(dy, x, self.none, dweight, self.none)

    def backward(self, x: Array, dy: Array, weight: Array, dweight: Array, dx: Array) -> None:
        """:meth:`backward_weight` and :meth:`backward_data` in one."""
        self._backward(dy, x, weight, dweight, dx)

    def _backward(self, dy: Array, x: Array, weight: Array, dweight: Array, dx: Array) -> None:
        numbers = np.array([*self.numbers, dx.size > 0, dweight.size > 0], np.int64)
        work = workspace(self.work + weight.size, self.dtype)
        work[self.work :] = weight.reshape(-1)
        _backward(self.threads, numbers, NO_INDICES, dy, x, dweight, dx, work)


@kernel
def _buffers(work, m, thread):
    """Turned pixels, padded images, padded gradient, sixteen lines for weights."""
    a, b, c = m[10], m[11], m[12]
    own = work[thread * (a + b + c + LANES * LANES) :]
    return own[:a], own[a : a + b], own[a + b : a + b + c], own[a + b + c : a + b + c + LANES * LANES]


@kernel
def _read(x, start, size, count, h, w, pixels, to, at, pitch, step):
    """Maps of ``size`` = h w pixels from x[start] on, turned, to the pixels of ``to`` that are ``step`` apart."""
    for p in range(0, size, LANES):
        transpose_in(x, start + p, size, count, size - p, pixels, p * LANES, LANES)
    source = 0
    for r in range(h):
        target = at + r * step * pitch
        for _ in range(w):
            store(load(pixels, source), to, target)
            source += LANES
            target += step * LANES


@kernel
def _write(pixels, size, count, y, start):
    for p in range(0, size, LANES):
        transpose_out(pixels, p * LANES, LANES, y, start + p, size, count, size - p)


@kernel
def _weigh(x, pitch, stride, dilation, h, w, weights, at, step, y):
    """y, h rows of w windows, of padded maps; the nine weights are at weights[at], weights[at + step] …"""
    w0, w1, w2 = load(weights, at), load(weights, at + step), load(weights, at + 2 * step)
    w3, w4, w5 = load(weights, at + 3 * step), load(weights, at + 4 * step), load(weights, at + 5 * step)
    w6, w7, w8 = load(weights, at + 6 * step), load(weights, at + 7 * step), load(weights, at + 8 * step)
    one, two, to = dilation * LANES, 2 * dilation * LANES, 0
    for r in range(h):
        i = r * stride * pitch
        j, k = i + dilation * pitch, i + 2 * dilation * pitch
        for _ in range(w):
            upper = w0 * load(x, i) + w1 * load(x, i + one) + w2 * load(x, i + two)
            middle = w3 * load(x, j) + w4 * load(x, j + one) + w5 * load(x, j + two)
            lower = w6 * load(x, k) + w7 * load(x, k + one) + w8 * load(x, k + two)
            store(upper + middle + lower, y, to)
            i += stride * LANES
            j += stride * LANES
            k += stride * LANES
            to += LANES


@kernel
def _correlate(x, pitch, stride, dilation, h, w, dy, dy_at, dy_pitch, dy_step, sums):
    """Add to nine lines of ``sums`` the products of the gradient of each window and its pixels."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = s8 = all_lanes(0)
    one, two = dilation * LANES, 2 * dilation * LANES
    for r in range(h):
        i, at = r * stride * pitch, dy_at + r * dy_pitch
        j, k = i + dilation * pitch, i + 2 * dilation * pitch
        for _ in range(w):
            g = load(dy, at)
            s0, s1, s2 = s0 + g * load(x, i), s1 + g * load(x, i + one), s2 + g * load(x, i + two)
            s3, s4, s5 = s3 + g * load(x, j), s4 + g * load(x, j + one), s5 + g * load(x, j + two)
            s6, s7, s8 = s6 + g * load(x, k), s7 + g * load(x, k + one), s8 + g * load(x, k + two)
            i += stride * LANES
            j += stride * LANES
            k += stride * LANES
            at += dy_step
    store(load(sums, 0) + s0, sums, 0)
    store(load(sums, 1 * LANES) + s1, sums, 1 * LANES)
    store(load(sums, 2 * LANES) + s2, sums, 2 * LANES)
    store(load(sums, 3 * LANES) + s3, sums, 3 * LANES)
    store(load(sums, 4 * LANES) + s4, sums, 4 * LANES)
    store(load(sums, 5 * LANES) + s5, sums, 5 * LANES)
    store(load(sums, 6 * LANES) + s6, sums, 6 * LANES)
    store(load(sums, 7 * LANES) + s7, sums, 7 * LANES)
    store(load(sums, 8 * LANES) + s8, sums, 8 * LANES)


@threaded
def _forward(thread, threads, m, indices, x, weight, table, y, work):
    """This thread's share of images and of sixteen maps each."""
    h, w, oh, ow, stride, dilation, ph, pw, images, maps = m[:10]
    pixels, padded, _, weights = _buffers(work, m, thread)
    clear(padded, 0, padded.size)
    pieces, pitch = (maps - 1) // LANES + 1, (w + 2 * pw) * LANES
    jobs = images * pieces
    for job in range(thread * jobs // threads, (thread + 1) * jobs // threads):
        c = job % pieces * LANES
        first, count = job // pieces * maps + c, min(LANES, maps - c)
        transpose_in(weight, c * 9, 9, count, 9, weights, 0, LANES)
        _read(x, first * h * w, h * w, count, h, w, pixels, padded, ph * pitch + pw * LANES, pitch, 1)
        _weigh(padded, pitch, stride, dilation, oh, ow, weights, 0, LANES, pixels)
        finish_lanes(table, maps, c, count, pixels, 0, oh * ow * LANES)
        _write(pixels, oh * ow, count, y, first * oh * ow)


@threaded
def _backward(thread, threads, m, indices, dy, x, dweight, dx, work):
    """This thread's share of sixteen maps each. Without a gradient of weights ``x`` is a bias; ``work`` ends with
    weights."""
    h, w, oh, ow, stride, dilation, ph, pw, images, maps = m[:10]
    to_data, to_weights = m[13], m[14]
    pixels, padded, gradient, weights = _buffers(work, m, thread)
    clear(padded, 0, padded.size)
    clear(gradient, 0, gradient.size)
    pitch, gradient_pitch = (w + 2 * pw) * LANES, (w + 2 * dilation) * LANES
    at = (2 * dilation - ph) * gradient_pitch + (2 * dilation - pw) * LANES
    pieces = (maps - 1) // LANES + 1
    sums = np.empty(LANES * LANES, dy.dtype)
    for piece in range(thread * pieces // threads, (thread + 1) * pieces // threads):
        c = piece * LANES
        count = min(LANES, maps - c)
        clear(sums, 0, sums.size)
        if to_data:
            transpose_in(work, work.size - maps * 9 + c * 9, 9, count, 9, weights, 0, LANES)
        for n in range(images):
            first = n * maps + c
            _read(dy, first * oh * ow, oh * ow, count, oh, ow, pixels, gradient, at, gradient_pitch, stride)
            if to_weights:
                _read(x, first * h * w, h * w, count, h, w, pixels, padded, ph * pitch + pw * LANES, pitch, 1)
                _correlate(
                    padded, pitch, stride, dilation, oh, ow, gradient, at, stride * gradient_pitch, stride * LANES, sums
                )  # fmt: skip
            if to_data:
                _weigh(gradient, gradient_pitch, 1, dilation, h, w, weights, 8 * LANES, -LANES, pixels)
                if not to_weights:
                    finish_lanes(x, maps, c, count, pixels, 0, h * w * LANES)
                _write(pixels, h * w, count, dx, first * h * w)
        if to_weights:
            transpose_out(sums, 0, LANES, weights, 0, LANES, LANES, LANES)
            for i in range(count):
                place = (c + i) * 9
                store_first(load_first(dweight, place, 9) + load(weights, i * LANES), dweight, place, 9)
