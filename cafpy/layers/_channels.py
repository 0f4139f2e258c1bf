"""Which axes of a blob a Scale or Bias layer's parameter covers."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text


class ChannelLayer(Layer):
    """A layer that combines bottom 0 with a smaller array, its parameter 0 or its bottom 1, that covers some of its
    neighbouring axes and is the same along all others.

    Its options have ``axis`` and ``num_axes``. ``reshape`` sets ``view``: bottom 0 as items × channels × positions, the
    channels being the entries of the smaller array.
    """

    bottoms = (1, 2)
    in_place = True

    def covered_shape(self, bottom: Blob) -> tuple[int, ...]:
        """The shape that parameter 0 must have."""
        num_axes = self.options.num_axes
        if num_axes < -1:
            raise self.error(f"num_axes: {num_axes} is negative; -1 means all axes from axis on")
        if num_axes == 0:
            return ()
        first = self.axis(self.options.axis, bottom)
        if first + num_axes > bottom.ndim:
            raise self.error(
                f"num_axes: {num_axes} is more than the {bottom.ndim - first} axes that a bottom of shape "
                f"{shape_text(bottom.shape)} has from axis {first} on"
            )
        return bottom.shape[first:] if num_axes == -1 else bottom.shape[first : first + num_axes]

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        small = bottom[1] if len(bottom) > 1 else self.blobs[0]
        first = self.axis(self.options.axis, bottom[0]) if small.ndim else 0
        if shape[first : first + small.ndim] != small.shape:
            what = f"bottom '{self.bottom_names[1]}'" if len(bottom) > 1 else "the parameter"
            raise self.error(
                f"{what} has shape {shape_text(small.shape)}, but bottom '{self.bottom_names[0]}' has "
                f"{shape_text(shape[first : first + small.ndim])} from axis {first} on (its shape is "
                f"{shape_text(shape)}); the two must agree"
            )
        self.view = prod(shape[:first]), small.count, prod(shape[first + small.ndim :])
        if top[0] is not bottom[0]:
            top[0].reshape(shape)
