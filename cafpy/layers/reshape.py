"""Reshape: the same values in another shape."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text


class Reshape(Layer):
    """Gives its bottom another shape with the same number of values; nothing is copied.

    Shapes: any → the axes before ``axis``, then ``shape``, then the axes that ``num_axes`` leaves over.

    Options (reshape_param):
        shape: the new axes. `dim: 0` copies the bottom's axis at that place, `dim: -1` (once) becomes what is needed
            to keep the number of values.
        axis: where the replaced axes begin; negative ones count from behind the last axis, so that -1 inserts after
            it (default 0).
        num_axes: how many axes are replaced; 0 inserts, -1 means all to the end (default -1).

    ```
    layer {
      name: "rows" type: "Reshape" bottom: "scores" top: "rows"
      reshape_param { shape { dim: 0 dim: -1 dim: 21 } }
    }
    ```
    """

    options_field = "reshape_param"
    passes_values = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        dims = list(self.options.shape.dim)
        if dims.count(-1) > 1:
            raise self.error(f"shape has dim: -1 {dims.count(-1)} times; only one axis can follow from the others")
        if min(dims, default=0) < -1:
            raise self.error(f"shape has dim: {min(dims)}; a dim is a size, 0 (copy) or -1 (infer)")
        if self.options.num_axes < -1:
            raise self.error(f"num_axes: {self.options.num_axes} is negative; -1 means all axes to the end")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        first, end = self._replaced(bottom[0])
        old = bottom[0].shape
        dims = [self._copied(old, first + i) if n == 0 else n for i, n in enumerate(self.options.shape.dim)]
        shape = [*old[:first], *dims, *old[end:]]
        if -1 in dims:
            known = prod(n for n in shape if n != -1)
            if not known or bottom[0].count % known:
                raise self.error(
                    f"dim: -1 cannot be inferred: the {bottom[0].count} values of the bottom ({shape_text(old)}) are "
                    f"no multiple of {known}, the product of the other axes; change the shape"
                )
            shape[first + dims.index(-1)] = bottom[0].count // known
        if prod(shape) != bottom[0].count:
            raise self.error(
                f"the new shape {shape_text(shape)} has {prod(shape)} values, but the bottom ({shape_text(old)}) has "
                f"{bottom[0].count}; let one axis be inferred with dim: -1"
            )
        top[0].reshape(tuple(shape))
        top[0].share_data(bottom[0])
        top[0].share_diff(bottom[0])

    def _replaced(self, bottom: Blob) -> tuple[int, int]:
        """The axes that make room for ``shape``: the first, and the one behind the last."""
        axis, num_axes, ndim = self.options.axis, self.options.num_axes, bottom.ndim
        first = axis if axis >= 0 else ndim + 1 + axis
        if not 0 <= first <= ndim:
            raise self.error(
                f"axis: {axis} is out of range for a bottom with {ndim} axes (shape {shape_text(bottom.shape)}); "
                f"use {-ndim - 1} to {ndim}"
            )
        end = ndim if num_axes == -1 else first + num_axes
        if end > ndim:
            raise self.error(
                f"num_axes: {num_axes} is more than the {ndim - first} axes that a bottom of shape "
                f"{shape_text(bottom.shape)} has from axis {first} on"
            )
        return first, end

    def _copied(self, shape: tuple[int, ...], axis: int) -> int:
        if axis >= len(shape):
            raise self.error(
                f"dim: 0 copies axis {axis} of the bottom, but that has only {len(shape)} axes (shape "
                f"{shape_text(shape)}); write a size or -1 instead"
            )
        return shape[axis]

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Nothing to do: the top shares the bottom's memory."""

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Nothing to do: the bottom shares the top's gradient."""
