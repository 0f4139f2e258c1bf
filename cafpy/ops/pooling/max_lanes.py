"""The largest value of each of the most common windows, on the CPU, in float32: 2 × 2 with stride 2, and 3 × 3 with
stride 1 or 2. `cafpy.ops.kernel.lines` tells about ``numbers``."""

from __future__ import annotations

from typing import Any

from cafpy.ops.kernel.chunks import variant
from cafpy.ops.kernel.lane_windows import largest
from cafpy.ops.kernel.lanes import LANES
from cafpy.ops.kernel.lanes_math import fetch
from cafpy.ops.kernel.threaded import threaded

AHEAD = 2048  # elements


def _of_windows(kernel_h: int, kernel_w: int, stride_w: int) -> Any:
    largest_of_windows = largest(kernel_h, kernel_w, stride_w)

    def maps_of(x, start, stop, numbers, y, mask):
        """Maps from start to stop, sixteen windows at a time. 1 where there may be a nan."""
        height, width, rows, columns = numbers[0], numbers[1], numbers[2], numbers[3]
        stride_h, pad_h, pad_w = numbers[6], numbers[8], numbers[9]
        at, nans = start * rows * columns, 0
        for m in range(start, stop):
            for row in range(rows):
                top = row * stride_h - pad_h
                ahead = (m * height + top) * width + AHEAD
                for j in range(0, width * stride_h, LANES):
                    fetch(x, ahead + j)
                for j in range(0, columns, LANES):
                    left = j * stride_w - pad_w
                    nans |= largest_of_windows(x, m, top, height, left, width, y, mask, at + j, columns - j)
                at += columns
        return nans

    return variant(maps_of, kernel_h, kernel_w, stride_w)


_maps_222, _maps_331, _maps_332 = _of_windows(2, 2, 2), _of_windows(3, 3, 1), _of_windows(3, 3, 2)


# A kernel each, as a net needs one or two of them and compiling takes its time. This thread's share of maps;
# again[thread] becomes 1 where there may be a nan, and all is to be done otherwise.


@threaded
def _max_222(thread, threads, numbers, mask, x, y, again, d, e):
    maps = y.size // (numbers[2] * numbers[3])
    again[thread] = _maps_222(x, thread * maps // threads, (thread + 1) * maps // threads, numbers, y, mask)


@threaded
def _max_331(thread, threads, numbers, mask, x, y, again, d, e):
    maps = y.size // (numbers[2] * numbers[3])
    again[thread] = _maps_331(x, thread * maps // threads, (thread + 1) * maps // threads, numbers, y, mask)


@threaded
def _max_332(thread, threads, numbers, mask, x, y, again, d, e):
    maps = y.size // (numbers[2] * numbers[3])
    again[thread] = _maps_332(x, thread * maps // threads, (thread + 1) * maps // threads, numbers, y, mask)


# by kernel h, w and stride w; stride h only says which rows are taken
MAX_KERNELS = {(2, 2, 2): _max_222, (3, 3, 1): _max_331, (3, 3, 2): _max_332}
