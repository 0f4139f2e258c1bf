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
    `cafpy.ops.elementwise`. ``in_place = True`` is right when ``backward_scalar`` gives the same with y in place of x:
    in place, x is overwritten, and both are y.
    """

    forward_scalar: ClassVar[Callable[..., Any]]
    backward_scalar: ClassVar[Callable[..., Any]]

    _forward: ClassVar[Elementwise]
    _backward: ClassVar[Elementwise | None] = None

    def __init_subclass__(cls, **options: Any):
        super().__init_subclass__(**options)
        if "forward_scalar" in vars(cls):
            cls._forward = Elementwise(cls.forward_scalar)
        if "backward_scalar" in vars(cls):
            cls._backward = Elementwise(cls.backward_scalar)

    def scalars(self) -> tuple[float, ...]:
        """The numbers that follow the arrays in both scalar functions; asked for once, in setup."""
        return ()

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._scalars = self.scalars()

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if top[0] is not bottom[0]:
            top[0].reshape(bottom[0].shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._forward(self.backend, (bottom[0].data,), self._scalars, top[0].data)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if not propagate_down[0]:
            return
        if self._backward is None:
            super().backward(top, propagate_down, bottom)
        else:
            arrays = (top[0].diff, bottom[0].data, top[0].data)
            self._backward(self.backend, arrays, self._scalars, bottom[0].diff)
