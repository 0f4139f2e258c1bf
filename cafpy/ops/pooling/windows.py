"""Pooling over windows of the two last axes: the largest value, the mean, or one drawn at random."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import get_num_threads

from cafpy.backend import Array
from cafpy.ops.kernel.threaded import NO_INDICES, Threaded
from cafpy.ops.pooling.max import max_backward, max_forward
from cafpy.ops.pooling.max_lanes import MAX_KERNELS
from cafpy.ops.pooling.mean import MEAN_KERNELS, mean_of_maps, mean_of_maps_backward
from cafpy.ops.pooling.mean_other import mean_of_other, mean_of_other_backward
from cafpy.ops.routine import routine

SMALL = 1 << 13  # elements that are not worth waking threads for


@dataclass(frozen=True)
class Windows:
    """Where the windows lie; each pair is (height, width).

    ``size`` is that of the input, ``out`` the number of windows; window o begins at o · stride - pad. All of them
    reach into the input.
    """

    size: tuple[int, int]
    out: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]

    def places(self) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
        """For each position in a window, in reading order: the windows in which it lies in the input, and where."""
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                rows, columns = self._along(0, i), self._along(1, j)
                if rows and columns:
                    yield (rows[0], columns[0]), (rows[1], columns[1])

    def _along(self, axis: int, offset: int) -> tuple[slice, slice] | None:
        stride, shift = self.stride[axis], offset - self.pad[axis]
        first = max(0, -(shift // stride))
        last = min(self.out[axis], (self.size[axis] - 1 - shift) // stride + 1)
        if first >= last:
            return None
        return slice(first, last), slice(first * stride + shift, (last - 1) * stride + shift + 1, stride)

    def lengths(self, axis: int) -> np.ndarray:
        """How long each window is, padding counted, but cut where the padding behind the input ends."""
        start = np.arange(self.out[axis]) * self.stride[axis] - self.pad[axis]
        return np.minimum(start + self.kernel[axis], self.size[axis] + self.pad[axis]) - start

    @cached_property
    def numbers(self) -> Array:
        return np.array([*self.size, *self.out, *self.kernel, *self.stride, *self.pad, 1, 1], np.int64)

    @property
    def kind(self) -> tuple[int, int, int]:
        """What kernels made for the most common windows go by: height and width of the window, stride along a row."""
        return *self.kernel, self.stride[1]


@routine
def max_pool(xp: Any, x: Array, y: Array, mask: Array, windows: Windows) -> None:
    """y = the largest value of each window, ``mask`` (int32) = where it was, as h · W + w; of equal ones the first.

    NaN counts as larger than all, so that it is not hidden. x is N×C×H×W, y and mask N×C×H'×W'.
    """
    y[...] = -np.inf
    mask[...] = -1
    for there, here in windows.places():
        index = xp.arange(here[0].start, here[0].stop, here[0].step, dtype=mask.dtype)[:, None] * windows.size[1]
        index = index + xp.arange(here[1].start, here[1].stop, here[1].step, dtype=mask.dtype)
        values, best, at = x[:, :, here[0], here[1]], y[:, :, there[0], there[1]], mask[:, :, there[0], there[1]]
        better = (values > best) | (values != values) | (at < 0)
        best[...] = xp.where(better, values, best)
        at[...] = xp.where(better, index, at)


@routine
def max_pool_backward(xp: Any, dy: Array, mask: Array, dx: Array, windows: Windows) -> None:
    """dx = dy of the windows whose largest value it was, summed."""
    dx[...] = 0
    for there, here in windows.places():
        index = xp.arange(here[0].start, here[0].stop, here[0].step, dtype=mask.dtype)[:, None] * windows.size[1]
        index = index + xp.arange(here[1].start, here[1].stop, here[1].step, dtype=mask.dtype)
        dx[:, :, here[0], here[1]] += dy[:, :, there[0], there[1]] * (mask[:, :, there[0], there[1]] == index)


@routine
def mean_pool(xp: Any, x: Array, y: Array, windows: Windows) -> None:
    """y = the mean of each window; padding counts as zeros."""
    y[...] = 0
    for there, here in windows.places():
        y[:, :, there[0], there[1]] += x[:, :, here[0], here[1]]
    _divide(xp, y, windows)


@routine
def mean_pool_backward(xp: Any, dy: Array, dx: Array, windows: Windows) -> None:
    """dx = the gradients of the windows it lies in, each divided by the window's size, summed."""
    part = dy.copy()
    _divide(xp, part, windows)
    dx[...] = 0
    for there, here in windows.places():
        dx[:, :, here[0], here[1]] += part[:, :, there[0], there[1]]


def _divide(xp: Any, y: Array, windows: Windows) -> None:
    # row by row and column by column with Python numbers: a host array would not fit a GPU's
    for axis, index in ((0, (slice(None), slice(None))), (1, (slice(None), slice(None), slice(None)))):
        for i, length in enumerate(windows.lengths(axis).tolist()):
            y[(*index, i)] /= length


@routine
def draw_pool(xp: Any, x: Array, chance: Array, y: Array, mask: Array, windows: Windows) -> None:
    """y = one value of each window, drawn with a probability in proportion to its size; ``mask`` as :func:`max_pool`.

    ``chance``, N×C×H'×W' in [0, 1), decides: the first value at which the running sum passes chance · sum. The values
    must not be negative.
    """
    total = xp.zeros_like(y)
    for there, here in windows.places():
        total[:, :, there[0], there[1]] += x[:, :, here[0], here[1]]
    limit = chance * total
    running = xp.zeros_like(y)
    mask[...] = -1
    for there, here in windows.places():
        index = xp.arange(here[0].start, here[0].stop, here[0].step, dtype=mask.dtype)[:, None] * windows.size[1]
        index = index + xp.arange(here[1].start, here[1].stop, here[1].step, dtype=mask.dtype)
        values, at = x[:, :, here[0], here[1]], mask[:, :, there[0], there[1]]
        so_far = running[:, :, there[0], there[1]]
        so_far += values
        # until the limit is passed the latest value stands, so that rounding in the last sum cannot leave none
        open_ = (so_far - values <= limit[:, :, there[0], there[1]]) & ((values > 0) | (at < 0))
        at[...] = xp.where(open_, index, at)
        y[:, :, there[0], there[1]] = xp.where(open_, values, y[:, :, there[0], there[1]])


@routine
def weighted_pool(xp: Any, x: Array, y: Array, windows: Windows) -> None:
    """y = Σ x² / Σ x over each window, what :func:`draw_pool` gives on average; 0 where all values are 0."""
    total = xp.zeros_like(y)
    y[...] = 0
    for there, here in windows.places():
        values = x[:, :, here[0], here[1]]
        total[:, :, there[0], there[1]] += values
        y[:, :, there[0], there[1]] += values * values
    y[...] = xp.where(total > 0, y / xp.where(total > 0, total, 1), 0)


@routine
def weighted_pool_backward(xp: Any, dy: Array, x: Array, y: Array, dx: Array, windows: Windows) -> None:
    """The gradient of :func:`weighted_pool`: with s = Σ x of a window, the sum of dy (2 x - y) / s over windows."""
    total = xp.zeros_like(y)
    for there, here in windows.places():
        total[:, :, there[0], there[1]] += x[:, :, here[0], here[1]]
    part = xp.where(total > 0, dy / xp.where(total > 0, total, 1), 0)
    dx[...] = 0
    for there, here in windows.places():
        slope = 2 * x[:, :, here[0], here[1]] - y[:, :, there[0], there[1]]
        dx[:, :, here[0], here[1]] += part[:, :, there[0], there[1]] * slope


# -- Numba ---------------------------------------------------------------------------------------------------------


@max_pool.body("numba")
def _(x, y, mask, windows):
    threads = _threads(x)
    if x.dtype == np.float32 and windows.kind in MAX_KERNELS:
        again = np.zeros(threads, x.dtype)
        MAX_KERNELS[windows.kind](threads, windows.numbers, mask, x, y, again)
        if not again.any():
            return
    max_forward(threads, windows.numbers, mask, x, y)


@max_pool_backward.body("numba")
def _(dy, mask, dx, windows):
    max_backward(_threads(dx), windows.numbers, mask, dy, dx)


@mean_pool.body("numba")
def _(x, y, windows):
    if x.dtype != np.float32:  # doubles are for gradient checks
        mean_pool.plain(np, x, y, windows)
        return
    _mean_kernels(windows)[0](_threads(x), windows.numbers, NO_INDICES, x, y)


@mean_pool_backward.body("numba")
def _(dy, dx, windows):
    if dx.dtype != np.float32:
        mean_pool_backward.plain(np, dy, dx, windows)
        return
    _mean_kernels(windows)[1](_threads(dx), windows.numbers, NO_INDICES, dy, dx)


def _mean_kernels(windows: Windows) -> tuple[Threaded, Threaded]:
    if windows.out == (1, 1) and windows.kernel == windows.size and windows.pad == (0, 0):
        return mean_of_maps, mean_of_maps_backward
    return MEAN_KERNELS.get(windows.kind, (mean_of_other, mean_of_other_backward))


def _threads(x: Array) -> int:
    return 1 if x.size <= SMALL else get_num_threads()
