"""SPP: a vector of one length from images of any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text
from cafpy.layers._parts import parts
from cafpy.layers.pooling import Pooling


class SPP(Layer):
    """Spatial pyramid pooling: pools each channel in 1 window, in 2 × 2, in 4 × 4 … and puts the results one after the
    other, so that images of any size give vectors of one length (He et al., Spatial Pyramid Pooling in Deep
    Convolutional Networks, 2014).

    Level l has b × b windows, b = 2^l, of ceil(H / b) × ceil(W / b) positions each, with padding around the input where
    b does not divide it. Shapes: bottom N × C × H × W → top N × (C · Σ b²); with one level N × C × 1 × 1.

    Options (spp_param):
        pyramid_height: number of levels (required).
        pool: MAX, AVE or STOCHASTIC, as in Pooling (default MAX).
        engine: read and ignored.

    ```
    layer { name: "spp" type: "SPP" bottom: "conv5" top: "spp" spp_param { pyramid_height: 3 pool: MAX } }
    ```
    """

    options_field = "spp_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if not self.options.pyramid_height:
            raise self.error("pyramid_height is missing; write `spp_param { pyramid_height: 3 }`, the number of levels")
        self.bins = [2**level for level in range(self.options.pyramid_height)]
        self.levels: list[Pooling] = []
        self.pooled = [Blob(self.backend, (), self.dtype) for _ in self.bins] if len(self.bins) > 1 else [top[0]]
        # all levels read bottom 0, but those behind the first put their gradient here, to be added
        self.other = Blob(self.backend, (), self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        if len(shape) != 4:
            raise self.error(f"bottom '{self.bottom_names[0]}' has shape {shape_text(shape)}; wanted 4 axes, N×C×H×W")
        self.other.reshape(shape)
        self.other.share_data(bottom[0])
        before = self.state()
        self.levels = [self._level(level, shape[2:]) for level in range(len(self.bins))]
        self.load_state(before)
        for level, pooled, source in self._each(bottom[0]):
            level.setup([source], [pooled])
            level.reshape([source], [pooled])
        if len(self.bins) > 1:
            sizes = [shape[1] * bins * bins for bins in self.bins]
            top[0].reshape((shape[0], sum(sizes)))
            self.parts = parts(1, sizes)

    def _level(self, level: int, size: tuple[int, ...]) -> Pooling:
        """The pooling layer of a level for an input of this height and width."""
        bins = self.bins[level]
        kernel = [-(-length // bins) for length in size]
        pad = [(side * bins - length + 1) // 2 for side, length in zip(kernel, size, strict=True)]
        if any(padding >= side for padding, side in zip(pad, kernel, strict=True)):
            raise self.error(
                f"pyramid_height: {len(self.bins)} wants {bins} × {bins} windows, too many for the {shape_text(size)} "
                f"positions of bottom '{self.bottom_names[0]}': some would lie in padding alone; use fewer levels"
            )
        param: Any = type(self.param)()
        param.CopyFrom(self.param)
        options = param.pooling_param
        options.pool = self.options.pool
        options.kernel_h, options.kernel_w = options.stride_h, options.stride_w = kernel
        options.pad_h, options.pad_w = pad
        return Pooling(param, self.backend, self.phase, self.dtype, self.seed + level)

    def _each(self, bottom: Blob) -> list[tuple[Pooling, Blob, Blob]]:
        """Each level, its top and its bottom."""
        sources = [bottom] + [self.other] * (len(self.levels) - 1)
        return list(zip(self.levels, self.pooled, sources, strict=True))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for i, (level, pooled, source) in enumerate(self._each(bottom[0])):
            level.forward([source], [pooled])
            if len(self.levels) > 1:
                top[0].data[self.parts[i]] = pooled.data.reshape(pooled.shape[0], -1)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if not propagate_down[0]:
            return
        for i, (level, pooled, source) in enumerate(self._each(bottom[0])):
            if len(self.levels) > 1:
                pooled.diff[...] = top[0].diff[self.parts[i]].reshape(pooled.shape)
            level.backward([pooled], [True], [source])
            if source is self.other:
                total = bottom[0].diff
                total += self.other.diff

    def state(self) -> dict[str, int]:
        return {f"{name}_{i}": value for i, level in enumerate(self.levels) for name, value in level.state().items()}

    def load_state(self, state: dict[str, int]) -> None:
        for i, level in enumerate(self.levels):
            names = {name: name.removesuffix(f"_{i}") for name in state if name.endswith(f"_{i}")}
            if names:
                level.load_state({short: state[name] for name, short in names.items()})
