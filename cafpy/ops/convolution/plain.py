"""Convolution over any number of spatial axes in array calls: column matrices of some images at a time."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from cafpy.backend import Array
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.im2col import col2im, im2col

COLUMNS = 1 << 24  # elements that the column matrices of all images at a time may have


class PlainConvolution:
    """A plan for one geometry and dtype: work space and the three directions."""

    def __init__(self, xp: Any, geometry: Geometry, dtype: np.dtype):
        self.xp = xp
        self.geometry = geometry
        g = geometry
        each = g.channels * prod(g.kernel)
        self.at_once = max(1, min(g.images, COLUMNS // max(1, each * g.places)))
        self.columns = xp.zeros((0 if g.pointwise else self.at_once, g.channels, prod(g.kernel), *g.windows), dtype)
        self.product = xp.zeros((g.group, g.outputs_per_group, g.weights_per_output), dtype)

    def forward(self, x: Array, weight: Array, bias: Array | None, y: Array) -> None:
        """y = conv(x, weight) + bias."""
        weight, y = self._grouped(weight), self._by_group(y)
        for part in self._parts():
            self.xp.matmul(weight, self._columns(x[part]), out=y[part])
        if bias is not None:
            y += bias.reshape(self.geometry.group, -1, 1)

    def backward_data(self, dy: Array, weight: Array, bias: Array | None, dx: Array) -> None:
        """dx = gradient of the images, plus ``bias`` (channels,) where a deconvolution has one."""
        g = self.geometry
        weight, dy = self._grouped(weight).swapaxes(1, 2), self._by_group(dy)
        dx[...] = 0
        for part in self._parts():
            columns = dx if g.pointwise else self.columns
            columns = columns[part] if g.pointwise else columns[: part.stop - part.start]
            self.xp.matmul(weight, dy[part], out=columns.reshape(-1, g.group, g.weights_per_output, g.places))
            if not g.pointwise:
                col2im(self.xp, columns, g, dx[part])
        if bias is not None:
            dx += bias.reshape(-1, *(1,) * len(g.size))

    def backward_weight(self, x: Array, dy: Array, dweight: Array) -> None:
        """Add the gradient of the weights to ``dweight``."""
        dweight, dy = self._grouped(dweight), self._by_group(dy)
        for part in self._parts():
            columns = self._columns(x[part]).swapaxes(2, 3)
            for n in range(part.start, part.stop):
                self.xp.matmul(dy[n], columns[n - part.start], out=self.product)
                dweight += self.product

    def _parts(self) -> Iterator[slice]:
        """The batch, some images at a time."""
        images = self.geometry.images
        return (slice(n, min(images, n + self.at_once)) for n in range(0, images, self.at_once))

    def _columns(self, x: Array) -> Array:
        """Column matrices (images, group, rows, places) of these images."""
        g = self.geometry
        if not g.pointwise:
            columns = self.columns[: len(x)]
            im2col(self.xp, x, g, columns)
            x = columns
        return x.reshape(len(x), g.group, g.weights_per_output, g.places)

    def _grouped(self, weight: Array) -> Array:
        return weight.reshape(self.product.shape)

    def _by_group(self, y: Array) -> Array:
        g = self.geometry
        return y.reshape(g.images, g.group, g.outputs_per_group, g.places)
