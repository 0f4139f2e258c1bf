"""Windows over the spatial axes of an image: where they lie, and the images laid out window by window.

Column matrix of an image of shape (channels, *size): one row for each channel and place in the kernel, one column for
each place of the kernel on the image. A convolution is then one matrix product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from cafpy.backend import Array

Slices = tuple[slice, ...]


def taps(
    size: Sequence[int],
    windows: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    pad: Sequence[int],
    dilation: Sequence[int],
) -> Iterator[tuple[int, Slices, Slices]]:
    """For each place in the kernel, in row-major order: its number, which windows have that place inside the image, and
    where in the image it then is. Both as one slice an axis.

    ``size``: spatial shape of the image; ``windows``: number of windows an axis.
    """
    for number, place in enumerate(product(*map(range, kernel))):
        pairs = [_along_axis(*axis) for axis in zip(place, size, windows, stride, pad, dilation, strict=True)]
        yield number, tuple(inside for inside, _ in pairs), tuple(at for _, at in pairs)


def _along_axis(place: int, size: int, windows: int, stride: int, pad: int, dilation: int) -> tuple[slice, slice]:
    offset = place * dilation - pad  # of this place in window 0
    first = min(max(0, -(offset // stride)), windows)
    last = max(first, min(windows, (size - 1 - offset) // stride + 1))
    start = first * stride + offset
    # an empty range must not reach from a negative start
    return slice(first, last), slice(max(start, 0), max(start + (last - first - 1) * stride + 1, 0), stride)


def im2col(xp: Any, x: Array, geometry: Any, columns: Array) -> None:
    """The images' windows, zero where they reach beyond the image (Caffe's im2col for any number of spatial axes).

    x: (images, channels, *size). columns: (images, channels, kernel places, *windows), overwritten.
    """
    columns[...] = 0
    for number, windows, at in geometry.taps:
        columns[(slice(None), slice(None), number, *windows)] = x[(slice(None), slice(None), *at)]


def col2im(xp: Any, columns: Array, geometry: Any, x: Array) -> None:
    """The sum over all windows: the gradient of :func:`im2col`. ``x`` is added to."""
    for number, windows, at in geometry.taps:
        x[(slice(None), slice(None), *at)] += columns[(slice(None), slice(None), number, *windows)]
