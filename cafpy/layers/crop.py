"""Crop: a window of one blob, as large as another."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text


class Crop(Layer):
    """Cuts a window out of bottom 0 that is as large as bottom 1 in the axes from ``axis`` on. Only the shape of
    bottom 1 counts; it gets a gradient of 0.

    Shapes: bottoms N × C × H × W and N' × C' × h × w → top N × C × h × w (axis 2).

    Options (crop_param):
        axis: the first axis that is cropped; negative ones count from the end (default 2).
        offset: where the window begins: once for all cropped axes, or once for each (default 0).

    ```
    layer {
      name: "score" type: "Crop" bottom: "upscore" bottom: "data" top: "score"
      crop_param { axis: 2 offset: 19 }
    }
    ```
    """

    bottoms = 2
    options_field = "crop_param"

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        given, wanted = bottom[0].shape, bottom[1].shape
        axis = self.axis(self.options.axis, bottom[0])
        if len(given) != len(wanted):
            raise self.error(
                f"bottom '{self.bottom_names[1]}' has shape {shape_text(wanted)}, but bottom '{self.bottom_names[0]}' "
                f"has {shape_text(given)}; they must have the same number of axes"
            )
        offsets = self._offsets(len(given) - axis)
        for i, offset in enumerate(offsets, axis):
            if offset + wanted[i] > given[i]:
                raise self.error(
                    f"offset: {offset} and size {wanted[i]} reach beyond axis {i} of bottom '{self.bottom_names[0]}', "
                    f"which has {given[i]} (shapes {shape_text(given)} and {shape_text(wanted)}); use a smaller offset "
                    "or a larger bottom"
                )
        sizes = wanted[axis:]
        top[0].reshape((*given[:axis], *sizes))
        windows = [slice(offset, offset + size) for offset, size in zip(offsets, sizes, strict=True)]
        self.window = (*[slice(None)] * axis, *windows)

    def _offsets(self, count: int) -> list[int]:
        """Where the window begins in each of the ``count`` cropped axes."""
        offsets = list(self.options.offset)
        if len(offsets) <= 1:
            return (offsets or [0]) * count
        if len(offsets) != count:
            raise self.error(
                f"offset is given {len(offsets)} times for {count} cropped axes; give it once for all or once for each"
            )
        return offsets

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        top[0].data[...] = bottom[0].data[self.window]

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            bottom[0].diff[...] = 0
            bottom[0].diff[self.window] = top[0].diff
        if propagate_down[1]:
            bottom[1].diff[...] = 0
