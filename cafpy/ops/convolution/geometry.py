"""Geometry: all numbers that say what a convolution does; two convolutions with equal ones can share a plan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

from cafpy.ops.convolution.im2col import Slices, taps


@dataclass(frozen=True)
class Geometry:
    """A convolution of ``images`` images of ``channels`` maps to ``outputs`` maps, in ``group`` independent groups.

    ``size``, ``kernel``, ``stride``, ``pad`` and ``dilation`` have one number a spatial axis; there may be none.
    """

    images: int
    channels: int
    outputs: int
    group: int
    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]

    @cached_property
    def extent(self) -> tuple[int, ...]:
        """How far the dilated kernel reaches."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    @cached_property
    def windows(self) -> tuple[int, ...]:
        """Spatial shape of the output; not positive where the kernel is larger than the padded image."""
        axes = zip(self.size, self.pad, self.extent, self.stride, strict=True)
        return tuple((size + 2 * pad - extent) // stride + 1 for size, pad, extent, stride in axes)

    @cached_property
    def taps(self) -> list[tuple[int, Slices, Slices]]:
        """:func:`cafpy.ops.convolution.im2col.taps` of this geometry."""
        return list(taps(self.size, self.windows, self.kernel, self.stride, self.pad, self.dilation))

    @property
    def places(self) -> int:
        """Number of windows, that is pixels of an output map."""
        return prod(self.windows)

    @property
    def weights_per_output(self) -> int:
        """Rows of one group's column matrix."""
        return self.channels // self.group * prod(self.kernel)

    @property
    def outputs_per_group(self) -> int:
        return self.outputs // self.group

    @property
    def pointwise(self) -> bool:
        """The images are their own column matrix."""
        ones = (1,) * len(self.size)
        return self.kernel == self.stride == ones and not any(self.pad)

    def with_two_axes(self) -> Geometry:
        """The same with axes of size 1 in front, where there are fewer than two."""
        missing = 2 - len(self.size)
        ones, zeros = (1,) * missing, (0,) * missing
        return Geometry(
            self.images, self.channels, self.outputs, self.group,
            ones + self.size, ones + self.kernel, ones + self.stride, zeros + self.pad, ones + self.dilation,
        )  # fmt: skip
