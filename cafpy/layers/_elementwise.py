"""Base of element-wise layers: two scalar functions are a whole layer, on the CPU and on the GPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from cafpy.blob import Blob
from cafpy.layer import Layer
from cafpy.ops.elementwise import Elementwise


class ElementwiseLayer(Layer):
    """A layer whose top[i] is a function of bottom[i].

    A subclass has two static methods in scalars:

        forward_scalar(x, *options) -> y
        backward_scalar(dy, x, y, *options) -> dx        (left out: the layer has no gradient)

    and, when it has options, ``scalars()``, which gives their values. What such a function may use is told in
    `cafpy.ops.elementwise`.

    Declared by subclasses, besides what :class:`cafpy.layer.Layer` has:
        in_place: top and bottom may be the same blob. Then y has overwritten x, and ``backward_scalar`` gets y as x.
        keeps_x: it needs the x that was overwritten, so a copy is kept while training.
    """

    keeps_x: bool = False

    forward_scalar: ClassVar[Callable[..., Any]]
    backward_scalar: ClassVar[Callable[..., Any]]

    _forward: Elementwise
    _backward: Elementwise

    def __init_subclass__(cls, **options: Any):
        super().__init_subclass__(**options)
        if "forward_scalar" in vars(cls):
            cls._forward = Elementwise(cls.forward_scalar)
        if "backward_scalar" in vars(cls):
            cls._backward = Elementwise(cls.backward_scalar)
        if "backward" not in vars(cls):  # without a scalar function it is that of layers that have no gradient
            has_gradient = hasattr(cls, "backward_scalar")
            cls.backward = ElementwiseLayer.backward if has_gradient else Layer.backward  # type: ignore[method-assign]

    def scalars(self) -> tuple[float, ...]:
        """The numbers that follow the arrays in both scalar functions; asked for once, in setup."""
        return ()

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._scalars = self.scalars()

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._overwrites = self.keeps_x and top[0] is bottom[0]
        if top[0] is not bottom[0]:
            top[0].reshape(bottom[0].shape)
        elif self._overwrites and self.training:
            self._x = self.work_array(bottom[0].shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if self._overwrites and self.training:
            self._x[...] = bottom[0].data
        self._forward(self.backend, (bottom[0].data,), self._scalars, top[0].data)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if not propagate_down[0]:
            return
        if self._overwrites and not self.training:
            raise self.error(
                "has overwritten in place what its gradient needs, which it keeps in phase TRAIN only; "
                "give its top another name"
            )
        x = self._x if self._overwrites else bottom[0].data
        self._backward(self.backend, (top[0].diff, x, top[0].data), self._scalars, bottom[0].diff)
