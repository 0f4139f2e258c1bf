"""Case: a layer with its options and its bottoms, as a line in a test file; ``build`` makes it run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cafpy.backend import Backend
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.testing.harness import Harness

Bottom = tuple[int, ...] | Any  # a shape, or an array of values


@dataclass(frozen=True)
class Case:
    """One way to use a layer, for all checks of this package.

    Attributes:
        name: what messages call it, after the layer's type.
        layer: what stands inside ``layer { … }`` besides name, bottom and top:
            ``'type: "ReLU" relu_param { negative_slope: 0.1 }'``.
        bottoms: one entry a bottom: a tuple is a shape, filled with standard normal numbers that are the same in every
            run; anything else is an array of values.
        tops: number of tops.
        phase: "TRAIN" or "TEST".
        in_place: top 0 is bottom 0.
        gradient: indices of the bottoms whose gradient is compared with differences of forward; None means all but
            the layer's ``no_gradient``, () means none (then the parameters' are not compared either).
        kinks: values that normal bottoms are kept away from, because forward has no derivative there.
        stochastic: forward draws random numbers.
        params: values for the parameter blobs; None leaves them as setup fills them.
        files: writes the files that the layer reads or needs, into the folder it is given; that folder is the working
            directory while the case runs.
        prepare: does to the layer, once it is built, what the program around a net would do before the first pass.
        seed: of the bottoms' numbers and of the layer.
    """

    name: str
    layer: str
    bottoms: Sequence[Bottom] = ()
    tops: int = 1
    phase: str = "TRAIN"
    in_place: bool = False
    gradient: Sequence[int] | None = None
    kinks: Sequence[float] = ()
    stochastic: bool = False
    params: Sequence[Any] | None = None
    files: Callable[[Path], None] | None = None
    prepare: Callable[[Any], None] | None = None
    seed: int = 0

    @property
    def type(self) -> str:
        """The layer's prototxt type."""
        return str(self.param().type)

    def param(self) -> Any:
        """The LayerParameter: bottoms "b0", "b1" …, tops "t0" …, or "b0" where in place."""
        names = [f'bottom: "b{i}"' for i in range(len(self.bottoms))]
        names += [f'top: "{"b" if self.in_place and i == 0 else "t"}{i}"' for i in range(self.tops)]
        text = f'layer {{ name: "{self.name}" {" ".join(names)}\n{self.layer}\n}}'
        return parse(text, pb.NetParameter(), self.name).layer[0]

    def values(self) -> list[np.ndarray]:
        """The bottoms' values: float64 where drawn, else as given."""
        rng = np.random.default_rng(self.seed)
        return [self._draw(rng, b) if isinstance(b, tuple) else np.asarray(b) for b in self.bottoms]

    def _draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        values = rng.standard_normal(shape)
        for kink in self.kinks:
            near = np.abs(values - kink) < KINK_DISTANCE
            values = np.where(near, kink + np.where(values < kink, -KINK_DISTANCE, KINK_DISTANCE), values)
        return values

    @contextmanager
    def folder(self) -> Iterator[None]:
        """While inside, the working directory is a fresh folder with the case's ``files``, if it has any."""
        if self.files is None:
            yield
            return
        before = os.getcwd()
        with tempfile.TemporaryDirectory() as name:
            self.files(Path(name))
            os.chdir(name)
            try:
                yield
            finally:
                os.chdir(before)


KINK_DISTANCE = 0.05


def build(case: Case, backend: Backend | None = None, dtype: Any = np.float32) -> Harness:
    """The case's layer, set up and shaped, with its bottoms filled. Call it inside ``case.folder()``.

    Raises NetError or LayerError when the layer refuses the case.
    """
    phase = pb.Phase.Value(case.phase)
    harness = Harness(case.param(), case.values(), backend, phase, dtype, case.seed)
    if case.params is not None:
        params = [np.asarray(values, dtype) for values in case.params]
        shapes = [blob.shape for blob in harness.layer.blobs]
        if shapes != [values.shape for values in params]:
            harness.close()
            raise harness.layer.error(f"has parameters of shapes {shapes}, the case's are {[v.shape for v in params]}")
        for blob, values in zip(harness.layer.blobs, params, strict=True):
            harness.layer.backend.upload(blob.data, values)
    if case.prepare is not None:
        case.prepare(harness.layer)
    return harness
