"""Pooling: a window of values becomes one."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text
from cafpy.ops.pooling import windows as pooling
from cafpy.ops.pooling.windows import Windows
from cafpy.ops.random import uniform


class Pooling(Layer):
    """Replaces each window of positions by its largest value, its mean, or one of its values drawn at random.

    Shapes: bottom N × C × H × W → top N × C × H' × W', H' = ceil((H + 2 pad - kernel) / stride) + 1 (or floor). With
    padding, a last window that would begin behind the input is left out. MAX: padding never wins, of equal values the
    first does; a second top gets each winner's place, h · W + w. AVE: padding counts as zeros. STOCHASTIC: while
    training, a value is drawn with a probability in proportion to its size; while testing, Σ x² / Σ x stands for it
    (Zeiler and Fergus, Stochastic Pooling for Regularization, 2013); values must not be negative.

    Options (pooling_param):
        pool: MAX, AVE or STOCHASTIC (default MAX).
        kernel_size, kernel_h, kernel_w: side of the window, or its height and width; must be given.
        stride, stride_h, stride_w: from one window to the next (default 1).
        pad, pad_h, pad_w: zeros around the input, fewer than the kernel's side (default 0).
        global_pooling: one window over the whole input, in place of a kernel (default false).
        round_mode: CEIL or FLOOR, what happens to a last window that does not fit (default CEIL).
        engine: read and ignored.

    ```
    layer {
      name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
      pooling_param { pool: MAX kernel_size: 2 stride: 2 }
    }
    ```
    """

    tops = (1, 2)
    options_field = "pooling_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        options = self.options
        self.draws = 0
        self.kind = options.pool
        if len(top) == 2 and self.kind != options.MAX:
            raise self.error("a second top holds the places of the largest values, so it needs pool: MAX")
        if options.global_pooling:
            self._check_global()
            return
        self.kernel = self._pair("kernel", "kernel_size", "kernel_h", "kernel_w")
        self.stride = self._pair("stride", "stride", "stride_h", "stride_w")
        self.pad = self._pair("pad", "pad", "pad_h", "pad_w")
        if not min(self.kernel) or not min(self.stride):
            raise self.error(f"kernel {_by(self.kernel)} and stride {_by(self.stride)} must be at least 1")
        if any(pad >= kernel for pad, kernel in zip(self.pad, self.kernel, strict=True)):
            raise self.error(
                f"pad {_by(self.pad)} must be smaller than the kernel {_by(self.kernel)}, "
                "or a window could lie in the padding alone"
            )
        if any(self.pad) and self.kind == options.STOCHASTIC:
            raise self.error(f"pad {_by(self.pad)}: STOCHASTIC pooling takes no padding; remove it, or use MAX or AVE")

    def _check_global(self) -> None:
        given = [name for name in ("kernel_size", "kernel_h", "kernel_w") if self.options.HasField(name)]
        if given:
            raise self.error(f"global_pooling takes the whole input as its window; remove {' and '.join(given)}")
        for name in ("pad", "pad_h", "pad_w"):
            if getattr(self.options, name):
                raise self.error(f"global_pooling takes the whole input as its window; remove {name}")
        for name in ("stride", "stride_h", "stride_w"):
            if self.options.HasField(name) and getattr(self.options, name) != 1:
                raise self.error(f"global_pooling takes the whole input as its window; remove {name}")

    def _pair(self, what: str, both: str, h: str, w: str) -> tuple[int, int]:
        options = self.options
        if options.HasField(h) or options.HasField(w):
            if options.HasField(both):
                raise self.error(f"{both} and {h}/{w} are given; keep {both}, or {h} with {w}")
            if not (options.HasField(h) and options.HasField(w)):
                raise self.error(f"{h} and {w} must be given together")
            return getattr(options, h), getattr(options, w)
        if both == "kernel_size" and not options.HasField(both):
            raise self.error("kernel_size is missing; write kernel_size: 2, kernel_h with kernel_w, or global_pooling")
        return getattr(options, both), getattr(options, both)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if bottom[0].ndim != 4:
            raise self.error(
                f"bottom '{self.bottom_names[0]}' has shape {shape_text(bottom[0].shape)}; wanted 4 axes, N×C×H×W"
            )
        n, channels, *size = bottom[0].shape
        if self.options.global_pooling:
            self.kernel, self.stride, self.pad = (size[0], size[1]), (1, 1), (0, 0)
        out = (self._count(0, size[0]), self._count(1, size[1]))
        self.windows = Windows((size[0], size[1]), out, self.kernel, self.stride, self.pad)
        for blob in top:
            blob.reshape((n, channels, *out))
        if self.kind != self.options.AVE:
            self.mask = self.work_array(top[0].shape, self.xp.int32)
        if self.kind == self.options.STOCHASTIC:
            self.chance = self.work_array(top[0].shape)

    def _count(self, axis: int, size: int) -> int:
        """Windows along an axis of the input's length ``size``."""
        kernel, stride, pad = self.kernel[axis], self.stride[axis], self.pad[axis]
        room = size + 2 * pad - kernel
        name = self.bottom_names[0]
        if room < 0:
            side, padding = ("high", "wide")[axis], f" + 2 × {pad} padding" if pad else ""
            raise self.error(f"the kernel is {kernel} {side}, but bottom '{name}' only {size}{padding}")
        ceil = self.options.round_mode == self.options.CEIL
        count = (-(-room // stride) if ceil else room // stride) + 1
        if any(self.pad) and (count - 1) * stride >= size + pad:
            count -= 1
        if (count - 1) * stride - pad >= size:
            raise self.error(
                f"the last window would lie behind the end of bottom '{name}' ({size} positions, kernel {kernel}, "
                f"stride {stride}), so it would hold nothing; write round_mode: FLOOR, or a stride up to the kernel"
            )
        return count

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, y = bottom[0].data, top[0].data
        if self.kind == self.options.AVE:
            pooling.mean_pool(self.backend, x, y, self.windows)
        elif self.kind == self.options.MAX:
            pooling.max_pool(self.backend, x, y, self.mask, self.windows)
        elif self.training:
            self.draws += 1
            uniform(self.backend, self.seed, self.draws, self.chance)
            pooling.draw_pool(self.backend, x, self.chance, y, self.mask, self.windows)
        else:
            pooling.weighted_pool(self.backend, x, y, self.windows)
        if len(top) == 2:
            top[1].data[...] = self.mask

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if not propagate_down[0]:
            return
        if self.kind == self.options.AVE:
            pooling.mean_pool_backward(self.backend, top[0].diff, bottom[0].diff, self.windows)
        elif self.kind == self.options.MAX or self.training:
            pooling.max_pool_backward(self.backend, top[0].diff, self.mask, bottom[0].diff, self.windows)
        else:
            pooling.weighted_pool_backward(
                self.backend, top[0].diff, bottom[0].data, top[0].data, bottom[0].diff, self.windows
            )

    def state(self) -> dict[str, int]:
        return {"draws": self.draws} if self.kind == self.options.STOCHASTIC else {}

    def load_state(self, state: dict[str, int]) -> None:
        self.draws = state["draws"]


def _by(pair: tuple[int, int]) -> str:
    return f"{pair[0]}×{pair[1]}"
