"""The contract that every layer keeps.

A layer has four methods, the same as pycaffe's Python layers: ``setup`` once, ``reshape`` whenever a bottom's shape
has changed, ``forward``, ``backward``. It sees blobs, never its net. What can be declared is declared as class
attributes: how many bottoms and tops, whether it may work in place, whether it is a loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cafpy.backend import Array, Backend
from cafpy.blob import Blob
from cafpy.errors import CafpyError, LayerError
from cafpy.filler import fill
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.describe import describe

if TYPE_CHECKING:
    from cafpy.ops.kernel.threaded import Threaded

Arity = int | tuple[int, int | None]  # exactly n, or (at least, at most); None: no upper bound


class Layer:
    """Base of all layers. The class is named as the prototxt type; its file is that name in lower case.

    Declared by subclasses:
        bottoms, tops: how many blobs it takes and gives, ``2`` or ``(1, None)``.
        same_number: it gives as many tops as it takes bottoms.
        options_field: name of its options in LayerParameter ("relu_param"), or "".
        in_place: top and bottom may be the same blob.
        is_loss: top 0 has loss weight 1 unless the net says otherwise, and is made up when the net names no top.
        no_gradient: indices of bottoms that never get a gradient (labels).
        reshape_always: reshape is called before every forward, not only when a bottom's shape has changed.
        passes_values: every top holds bottom 0's values, in their order.
        counted_bottom: the bottom whose values it wants counted over one pass of the data, see set_label_counts.

    Set before ``setup`` is called:
        param (the LayerParameter), bottom_names (for messages: as the net file has them, where param.bottom may name
        tops of splits), options, phase, backend, xp, dtype, rng (for fillers), seed (for random numbers of forward
        passes; with the counter in :meth:`state` it fixes every draw).
    """

    bottoms: ClassVar[Arity] = 1
    tops: ClassVar[Arity] = 1
    same_number: ClassVar[bool] = False
    options_field: ClassVar[str] = ""
    in_place: ClassVar[bool] = False
    is_loss: ClassVar[bool] = False
    no_gradient: tuple[int, ...] = ()  # setup may set it, where it depends on the number of bottoms
    reshape_always: ClassVar[bool] = False
    passes_values: ClassVar[bool] = False
    counted_bottom: int | None = None  # setup may set it, where it depends on the options

    def __init__(self, param: Any, backend: Backend, phase: int = pb.TEST, dtype: Any = np.float32, seed: int = 0):
        self.param = param
        self.bottom_names: list[str] = list(param.bottom)
        self.options: Any = getattr(param, self.options_field) if self.options_field else None
        self.backend = backend
        self.xp = backend.xp
        self.phase = phase
        self.dtype = np.dtype(dtype)
        self.seed = seed
        self.rng = np.random.Generator(np.random.Philox(seed))
        self.blobs: list[Blob] = []
        self.param_propagate_down: list[bool] = []
        self.loss_weights: list[float] = []

    # -- what a layer implements -------------------------------------------------------------------------------

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Once, before the first reshape: read the options, add the parameter blobs."""

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the tops and all work space their shapes. Shapes only: no data is looked at."""
        raise NotImplementedError(f"{type(self).__name__} has no reshape")

    @property
    def backward_kernels(self) -> tuple[Threaded, ...]:
        """Larger kernels that only backward needs: they may be compiled ahead by another process."""
        return ()

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Compute ``top[i].data`` from ``bottom[i].data``."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Overwrite ``bottom[i].diff`` where ``propagate_down[i]``; add to ``blobs[j].diff`` where
        ``param_propagate_down[j]``. A loss finds its loss weight in ``top[0].diff``."""
        if any(propagate_down):
            raise self.error("has no gradient, but a layer below it wants one; add `propagate_down: false`")

    def state(self) -> dict[str, int]:
        """What a later run must know to go on exactly here, besides the parameters (data position, draw counters)."""
        return {}

    def load_state(self, state: dict[str, int]) -> None:
        """Go on where ``state`` says. ``seed`` has been set to that of the saved run before."""

    def records(self) -> int | None:
        """How many records one pass over its data has; None for a layer that reads none, or does not know."""
        return None

    def label_counts(self, top: int) -> Mapping[float, int] | None:
        """How often each value comes in this top, labels, in one pass over its data; None when that is not known.
        Called after setup and before the first forward."""
        return None

    def set_label_counts(self, counts: Mapping[float, int]) -> None:
        """Take the counts of ``counted_bottom``; called once, after reshape and before the first forward."""

    def close(self) -> None:
        """Let go of files and threads."""

    # -- what a layer uses -------------------------------------------------------------------------------------

    @property
    def training(self) -> bool:
        return self.phase == pb.TRAIN

    def add_param(self, shape: Sequence[int], filler: Any | None = None) -> Blob:
        """Append a parameter blob of this shape, filled by the FillerParameter (zeros when None)."""
        blob = Blob(self.backend, tuple(shape), self.dtype)
        # zeros are what a blob holds anyway: a net that only takes weights from a file allocates none before that
        if filler is not None and (filler.type != "constant" or filler.value):
            try:
                values = fill(filler, blob.shape, self.rng)
            except CafpyError as error:
                raise self.error(str(error)) from error
            self.backend.upload(blob.data, values.astype(self.dtype, copy=False))
        self.blobs.append(blob)
        self.param_propagate_down.append(True)
        return blob

    def work_array(self, shape: int | Sequence[int], dtype: Any = None) -> Array:
        """A new array of this layer's device for work space; call it in reshape, not in forward."""
        return self.backend.zeros(shape if isinstance(shape, int) else tuple(shape), dtype or self.dtype)

    def axis(self, axis: int, blob: Blob, option: str = "axis") -> int:
        """``axis`` (may be negative) as an index into ``blob.shape``; an error names the option when out of range."""
        if not -blob.ndim <= axis < blob.ndim:
            raise self.error(
                f"{option}: {axis} is out of range for a bottom with {blob.ndim} axes "
                f"(shape {shape_text(blob.shape)}); use {-blob.ndim} to {blob.ndim - 1}"
            )
        return axis % blob.ndim

    @property
    def where(self) -> str:
        """How messages name this layer: "layer 'ip1' (InnerProduct), lenet.prototxt:88"."""
        return describe(self.param)

    def error(self, message: str) -> LayerError:
        """The error to raise when this layer cannot work; the text tells which layer and where it is declared."""
        return LayerError(f"{self.where}: {message}")


def shape_text(shape: Sequence[int]) -> str:
    """A shape as messages write it: "64×1×28×28", "(no axes)" for a single number."""
    return "×".join(map(str, shape)) or "(no axes)"
