"""Tile: a blob repeated along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cafpy.blob import Blob
from cafpy.layer import Layer


class Tile(Layer):
    """Repeats its bottom ``tiles`` times along one axis: a b → a b a b. The gradient is the sum over the copies.

    Shapes: bottom N × C × H × W → top N × (tiles·C) × H × W (axis 1).

    Options (tile_param):
        axis: the axis; negative ones count from the end (default 1).
        tiles: how many copies (required).

    ```
    layer { name: "tile" type: "Tile" bottom: "row" top: "rows" tile_param { axis: 2 tiles: 14 } }
    ```
    """

    options_field = "tile_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if not self.options.HasField("tiles"):
            raise self.error("tiles is missing; write `tile_param { tiles: 2 }` with the number of copies")
        if self.options.tiles < 1:
            raise self.error(f"tiles: {self.options.tiles} is not a number of copies; it must be at least 1")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        axis, shape, tiles = self.axis(self.options.axis, bottom[0]), bottom[0].shape, self.options.tiles
        top[0].reshape((*shape[:axis], shape[axis] * tiles, *shape[axis + 1 :]))
        self.outer, self.inner = prod(shape[:axis]), prod(shape[axis:])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        copies = top[0].data.reshape(self.outer, self.options.tiles, self.inner)
        copies[...] = bottom[0].data.reshape(self.outer, 1, self.inner)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[0]:
            copies = top[0].diff.reshape(self.outer, self.options.tiles, self.inner)
            self.xp.sum(copies, axis=1, out=bottom[0].diff.reshape(self.outer, self.inner))
