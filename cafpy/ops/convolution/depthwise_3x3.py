"""Depthwise convolution of 3 × 3 windows with stride 1 or 2 for the CPU: what nets for small machines are made of.

Beside `cafpy.ops.convolution.depthwise`, which takes any geometry, the nine weights stay in registers, rows go from the
buffer to the blob at once, and both gradients come from one sweep over images and the outputs' gradient.

Counted on the padded map, row u = q·s + p has phase p and index q, and so have columns. A block is some indices of
rows, all phases of them: phase (p, p') lies in a plane of its own, where windows side by side are side by side for each
place (a, b) of the kernel: phase (a % s, b % s), a // s rows and b // s columns on.

The numbers that the kernels are given:

    0   height, width, rows and columns of windows, stride, pad of rows and of columns, images, maps
    9   row indices of a block, pitch of a plane of images, pitch of the outputs' gradient
    12  elements of a thread's buffers: planes, gradient, two rows
    15  whether the gradient of images and of weights is wanted
"""

from __future__ import annotations

import numba
import numpy as np

from cafpy.backend import Array
from cafpy.ops.convolution.epilogue import Epilogue, finish_piece, with_bias
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.kernel.chunks import clear, kernel
from cafpy.ops.kernel.row_chunks import clear_row, correlate, merge_row, put_row, split_row, weigh
from cafpy.ops.kernel.threaded import NO_INDICES, threaded
from cafpy.ops.kernel.workspace import workspace

BLOCK = 1 << 12  # elements of the planes of a block: with the gradient, what an L1 cache holds
ROOM = 16  # elements between rows, for a chunk that runs over, and zeros before and behind a row
SERIAL = 1 << 15  # multiplications that one thread does before others would have been woken

weigh_1, weigh_2, weigh_4, weigh_9 = weigh(1), weigh(2), weigh(4), weigh(9)
correlate_9 = correlate(9)


def fits(geometry: Geometry) -> bool:
    """Whether the geometry, with two axes and a group for each map, is one that is meant here."""
    g = geometry
    return (
        (g.kernel, g.dilation) == ((3, 3), (1, 1))
        and g.stride in ((1, 1), (2, 2))
        and max(g.pad) <= 1
        and g.outputs == g.channels
    )


class DepthwiseConvolution3x3:
    """A plan for one geometry and dtype; :meth:`backward` computes both gradients at once."""

    finishes = True

    def __init__(self, geometry: Geometry, dtype: np.dtype):
        g = geometry
        self.threads = 1 if g.images * g.outputs * g.places * 9 < SERIAL else numba.get_num_threads()
        self.dtype, self.outputs = dtype, g.outputs
        self.none = np.empty(0, dtype)
        stride = g.stride[0]
        halo = 2 // stride
        pitch = _whole(-(-g.size[1] // stride)) + ROOM
        gradient_pitch = _whole(g.windows[1]) + ROOM
        indices = max(g.windows[0], (g.size[0] - 1 + g.pad[0]) // stride + 1)
        rows = max(1, min(indices, BLOCK // (stride * stride * pitch) - halo))
        rows = -(-indices // -(-indices // rows))  # as many in each block
        planes = stride * stride * (rows + halo) * pitch + 2 * ROOM
        sizes = planes, (rows + halo) * gradient_pitch + 2 * ROOM, 2 * pitch + 2 * ROOM
        self.numbers = (*g.size, *g.windows, stride, *g.pad, g.images, g.channels, rows, pitch, gradient_pitch, *sizes)
        self.work = self.threads * sum(sizes)  # elements

    def forward(self, x: Array, weight: Array, bias: Array | None, y: Array, epilogue: Epilogue | None = None) -> None:
        """y = conv(x, weight) + bias, and what the epilogue says."""
        numbers = np.array([*self.numbers, 0, 0], np.int64)
        table = with_bias(bias, epilogue, self.outputs, self.dtype)
        _forward(self.threads, numbers, NO_INDICES, x, weight, table, y, workspace(self.work, self.dtype))

    def backward_data(self, dy: Array, weight: Array, bias: Array | None, dx: Array) -> None:
        """dx = gradient of the images, plus ``bias`` (channels,) where a deconvolution has one."""
        numbers, bias = np.array([*self.numbers, 1, 0], np.int64), self.none if bias is None else bias
        work = workspace(self.work + weight.size, self.dtype)
        work[self.work :] = weight.reshape(-1)
        _backward(self.threads, numbers, NO_INDICES, dy, bias, self.none, dx, work)

    def backward_weight(self, x: Array, dy: Array, dweight: Array) -> None:
        """Add the gradient of the weights to ``dweight``."""
        numbers = np.array([*self.numbers, 0, 1], np.int64)
        _backward(self.threads, numbers, NO_INDICES, dy, x, dweight, self.none, workspace(self.work, self.dtype))

    def backward(self, x: Array, dy: Array, weight: Array, dweight: Array, dx: Array) -> None:
        """:meth:`backward_weight` and :meth:`backward_data` in one."""
        numbers = np.array([*self.numbers, 1, 1], np.int64)
        work = workspace(self.work + weight.size, self.dtype)
        work[self.work :] = weight.reshape(-1)
        _backward(self.threads, numbers, NO_INDICES, dy, x, dweight, dx, work)


def _whole(count: int) -> int:
    """So many elements in whole chunks."""
    return -(-count // ROOM) * ROOM


@kernel
def _tap_offsets(m):
    """Where in the planes window 0 has each place of the kernel (int32)."""
    stride, rows, pitch = m[4], m[9], m[10]
    plane = (rows + 2 // stride) * pitch
    offsets = np.empty(9, np.int32)
    for a in range(3):
        for b in range(3):
            phase = a % stride * stride + b % stride
            offsets[a * 3 + b] = phase * plane + a // stride * pitch + b // stride
    return offsets


@kernel
def _read_planes(x, map_at, q0, m, planes):
    """The rows of a map with indices from q0 on that a block's windows need."""
    height, width, stride, pad_h, pad_w, rows, pitch = m[0], m[1], m[4], m[5], m[6], m[9], m[10]
    count = rows + 2 // stride
    plane = count * pitch
    for phase in range(stride):
        for i in range(count):
            row, at = (q0 + i) * stride + phase - pad_h, phase * stride * plane + i * pitch
            inside = row >= 0 and row < height
            source = map_at + row * width
            if stride == 1:
                if inside:
                    put_row(x, source, width, planes, at + pad_w)
                else:
                    clear_row(planes, at + pad_w, width)
            else:
                even, odd = pad_w % 2 * plane + at + pad_w // 2, (1 - pad_w % 2) * plane + at + (1 + pad_w) // 2
                if inside:
                    split_row(x, source, width, planes, even, odd)
                else:
                    clear_row(planes, even, (width + 1) // 2)
                    clear_row(planes, odd, (width + 1) // 2)


@threaded
def _forward(thread, threads, m, indices, x, weight, table, y, work):
    """This thread's share of images and maps."""
    height, width, oh, ow, images, maps, rows, pitch = m[0], m[1], m[2], m[3], m[7], m[8], m[9], m[10]
    planes = work[thread * m[12] : (thread + 1) * m[12]]
    clear(planes, 0, planes.size)
    offsets, zero = _tap_offsets(m), x.dtype.type(0)
    for job in range(thread * images * maps // threads, (thread + 1) * images * maps // threads):
        c = job % maps
        start = table[c] if table.size else zero
        taps = weight[c * 9 : c * 9 + 9]
        for q0 in range(0, oh, rows):
            _read_planes(x, job * height * width, q0, m, planes)
            some = min(rows, oh - q0)
            for i in range(some):
                weigh_9(planes, i * pitch, offsets, taps, 0, start, y, (job * oh + q0 + i) * ow, ow)
            finish_piece(table, maps, c, y, (job * oh + q0) * ow, some * ow)


@threaded
def _backward(thread, threads, m, indices, dy, x, dweight, dx, work):
    """This thread's share of maps. Without a gradient of weights ``x`` is a bias; ``work`` ends with weights."""
    height, width, oh, ow, stride, images, maps, rows, pitch = m[0], m[1], m[2], m[3], m[4], m[7], m[8], m[9], m[10]
    skip, to_data, to_weights = m[11], m[15], m[16]
    at = thread * (m[12] + m[13] + m[14])
    planes, gradient = work[at : at + m[12]], work[at + m[12] : at + m[12] + m[13]]
    pair = work[at + m[12] + m[13] : at + m[12] + m[13] + m[14]]
    clear(planes, 0, planes.size)
    clear(gradient, 0, gradient.size)
    halo, offsets, sums = 2 // stride, _tap_offsets(m), np.empty(9, dy.dtype)
    order, back = _taps_by_phase(stride, skip)
    taps, weights, zero = np.empty(9, dy.dtype), work[work.size - maps * 9 :], dy.dtype.type(0)
    count = max(oh, (height - 1 + m[5]) // stride + 1)
    for n in range(images):
        for c in range(thread * maps // threads, (thread + 1) * maps // threads):
            job, start = n * maps + c, zero
            sums[:] = 0
            if to_data:
                for t in range(9):
                    taps[t] = weights[c * 9 + order[t]]
                if not to_weights and x.size:
                    start = x[c]
            for q0 in range(0, count, rows):
                for i in range(rows + halo):
                    row = q0 - halo + i
                    if row >= 0 and row < oh:
                        put_row(dy, (job * oh + row) * ow, ow, gradient, i * skip + halo)
                    else:
                        clear_row(gradient, i * skip + halo, ow)
                if to_weights:
                    _read_planes(x, job * height * width, q0, m, planes)
                    correlate_9(gradient, halo * skip + halo, skip, planes, 0, pitch, offsets, sums, rows, ow)
                if to_data:
                    _write_data(dx, job * height * width, q0, m, gradient, back, taps, start, pair)
            if to_weights:
                for t in range(9):
                    dweight[c * 9 + t] += sums[t]


@kernel
def _taps_by_phase(stride, skip):
    """Places of the kernel, those of one phase in a row, and how far back each finds the gradient (int32)."""
    order, back = np.empty(9, np.int32), np.empty(9, np.int32)
    t = 0
    for p in range(stride):
        for r in range(stride):
            for a in range(p, 3, stride):
                for b in range(r, 3, stride):
                    order[t], back[t] = a * 3 + b, -(a // stride * skip) - b // stride
                    t += 1
    return order, back


@kernel
def _write_data(dx, map_at, q0, m, gradient, back, taps, start, pair):
    """The gradient of a block's rows of a map."""
    height, width, stride, pad_h, pad_w, rows, skip = m[0], m[1], m[4], m[5], m[6], m[9], m[11]
    halo = 2 // stride
    if stride == 1:
        for i in range(max(0, pad_h - q0), min(rows, height + pad_h - q0)):
            here, to = (i + halo) * skip + halo + pad_w, map_at + (q0 + i - pad_h) * width
            weigh_9(gradient, here, back, taps, 0, start, dx, to, width)
        return
    half = pair.size // 2
    even, odd = pad_w % 2 * half + pad_w // 2, (1 - pad_w % 2) * half + (1 + pad_w) // 2
    for i in range(rows):
        row, here, columns = (q0 + i) * 2 - pad_h, (i + halo) * skip + halo, (width + pad_w) // 2 + 1
        if row >= 0 and row < height:
            weigh_4(gradient, here, back, taps, 0, start, pair, 0, columns)
            weigh_2(gradient, here, back, taps, 4, start, pair, half, columns)
            merge_row(pair, even, odd, dx, map_at + row * width, width)
        if row + 1 >= 0 and row + 1 < height:
            weigh_2(gradient, here, back, taps, 6, start, pair, 0, columns)
            weigh_1(gradient, here, back, taps, 8, start, pair, half, columns)
            merge_row(pair, even, odd, dx, map_at + (row + 1) * width, width)
