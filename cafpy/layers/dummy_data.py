"""DummyData: blobs filled by fillers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cafpy.blob import Blob
from cafpy.errors import CafpyError
from cafpy.filler import fill
from cafpy.layer import Layer
from cafpy.proto import cafpy_pb2 as pb


class DummyData(Layer):
    """Blobs filled with constants or random numbers, to try or to time a net without data. Constants are filled in
    once; all other fillers fill their tops anew in every pass.

    Shapes: top i has shape i, or the only one that is given.

    Options (dummy_data_param):
        shape: one for each top, or one for all of them.
        num, channels, height, width: the old way to say it; each once for each top, or once for all.
        data_filler: one for each top, or one for all of them (default: zeros).

    ```
    layer {
      name: "data" type: "DummyData" top: "data" top: "label"
      dummy_data_param {
        shape { dim: 64 dim: 3 dim: 224 dim: 224 } shape { dim: 64 }
        data_filler { type: "gaussian" std: 1 } data_filler { type: "constant" value: 0 }
      }
    }
    ```
    """

    bottoms = 0
    tops = (1, None)
    options_field = "dummy_data_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.shapes = self._for_each_top("shape", self._given_shapes(), len(top))
        fillers = list(self.options.data_filler) or [pb.FillerParameter(type="constant")]
        self.fillers = self._for_each_top("data_filler", fillers, len(top))
        self.passes = 0
        for blob, shape, filler in zip(top, self.shapes, self.fillers, strict=True):
            blob.reshape(shape)
            self._fill(blob, filler, self.rng)

    def _given_shapes(self) -> list[tuple[int, ...]]:
        options = self.options
        old = [list(getattr(options, name)) for name in OLD_NAMES]
        if not any(old):
            return [tuple(shape.dim) for shape in options.shape]
        if options.shape:
            raise self.error(f"shape and {', '.join(OLD_NAMES)} mean the same; keep shape, the new way")
        count = max(map(len, old))
        wrong = [name for name, sizes in zip(OLD_NAMES, old, strict=True) if len(sizes) not in (1, count)]
        if wrong:
            times = len(getattr(options, wrong[0]))
            raise self.error(f"{wrong[0]} is given {times} times; give it once{f' or {count} times' * (count > 1)}")
        each = [sizes * count if len(sizes) == 1 else sizes for sizes in old]
        return list(zip(*each, strict=True))

    def _for_each_top(self, option: str, given: list[Any], count: int) -> list[Any]:
        if len(given) not in (1, count):
            raise self.error(
                f"{option} is given {len(given)} times for tops {', '.join(self.param.top)}; give it once for all, "
                "or once for each"
            )
        return given * count if len(given) == 1 else given

    def _fill(self, blob: Blob, filler: Any, rng: np.random.Generator) -> None:
        try:
            values = fill(filler, blob.shape, rng)
        except CafpyError as error:
            raise self.error(str(error)) from error
        self.backend.upload(blob.data, values.astype(self.dtype, copy=False))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        pass  # the shapes depend on no bottom

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.passes += 1
        number = self.passes * self.backend.world + self.backend.rank
        rng = np.random.Generator(np.random.Philox(key=self.seed, counter=number << 128))
        for blob, filler in zip(top, self.fillers, strict=True):
            if filler.type != "constant":
                self._fill(blob, filler, rng)

    def state(self) -> dict[str, int]:
        return {"passes": self.passes}

    def load_state(self, state: dict[str, int]) -> None:
        self.passes = state["passes"]


OLD_NAMES = ("num", "channels", "height", "width")
