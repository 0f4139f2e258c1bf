"""What Convolution, Deconvolution and Im2col share: how their options are read, and the parameters of the first two."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from cafpy.backend import Array
from cafpy.blob import Blob
from cafpy.layer import Layer, shape_text
from cafpy.ops.convolution.bias import add_bias_gradient
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.plans import backward_kernels, convolution

if TYPE_CHECKING:
    from cafpy.ops.kernel.threaded import Threaded


class Kernel(NamedTuple):
    """A kernel's options, one number a spatial axis."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]


def read_kernel(layer: Layer, axes: int) -> Kernel:
    """The layer's kernel_size, stride, pad and dilation for ``axes`` spatial axes. Raises LayerError."""
    size = _per_axis(layer, "kernel_size", axes, None, pair="kernel")
    stride = _per_axis(layer, "stride", axes, 1, pair="stride")
    pad = _per_axis(layer, "pad", axes, 0, pair="pad")
    dilation = _per_axis(layer, "dilation", axes, 1)
    return Kernel(size, stride, pad, dilation)


def _per_axis(layer: Layer, name: str, axes: int, default: int | None, pair: str = "") -> tuple[int, ...]:
    options = layer.options
    given = list(getattr(options, name))
    fields = [f"{pair}_h", f"{pair}_w"] if pair else []
    if any(map(options.HasField, fields)):
        if given:
            raise layer.error(f"{name} and {pair}_h, {pair}_w are both given; use one of them")
        if axes != 2:
            raise layer.error(
                f"{pair}_h, {pair}_w are for bottoms with 2 spatial axes, here are {axes}; use {name} once an axis"
            )
        missing = [field for field in fields if not options.HasField(field)]
        if missing and default != 0:
            raise layer.error(f"{missing[0]} is missing; give both {pair}_h and {pair}_w, or {name}")
        given = [getattr(options, field) for field in fields]
    elif not given:
        if default is None:
            raise layer.error(f"{name} is missing; give it once for all spatial axes or once an axis ({name}: 3)")
        given = [default]
    elif len(given) not in (1, axes):
        raise layer.error(
            f"{name} is given {len(given)} times for {axes} spatial axes; give it once for all or once an axis"
        )
    if default != 0 and 0 in given:
        raise layer.error(f"{name}: 0 makes no sense; the least is 1")
    return tuple(given) if len(given) == axes else tuple(given[:1] * axes)


def check_windows(layer: Layer, geometry: Geometry, bottom: Blob) -> None:
    """Raise LayerError where the kernel does not fit on the padded image."""
    if min(geometry.windows, default=1) > 0:
        return
    padded = tuple(size + 2 * pad for size, pad in zip(geometry.size, geometry.pad, strict=True))
    reach = "is"
    if geometry.extent != geometry.kernel:
        reach = f"with dilation {shape_text(geometry.dilation)} reaches over {shape_text(geometry.extent)} and is"
    raise layer.error(
        f"kernel_size: {shape_text(geometry.kernel)} {reach} larger than the padded input {shape_text(padded)} "
        f"(bottom {shape_text(bottom.shape)}, pad {shape_text(geometry.pad)}); use a smaller kernel or more pad"
    )


class ConvolutionLayer(Layer):
    """Base of Convolution and Deconvolution: parameters, shapes, gradients of the parameters."""

    bottoms = (1, None)
    tops = (1, None)
    same_number = True
    options_field = "convolution_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        options = self.options
        self._axis = self.axis(options.axis, bottom[0])
        self._kernel = read_kernel(self, bottom[0].ndim - self._axis - 1)
        self._channels = bottom[0].shape[self._axis]
        if options.num_output < 1:
            raise self.error("num_output is missing; say how many maps the layer gives (num_output: 20)")
        self._check_group("the bottom's channels", self._channels)
        self._check_group("num_output", options.num_output)
        self.add_param(self._weight_shape(), options.weight_filler)
        if options.bias_term:
            self.add_param((options.num_output,), options.bias_filler)
        self._geometry: Geometry | None = None

    def _check_group(self, what: str, count: int) -> None:
        group = self.options.group
        if group < 1 or count % group:
            raise self.error(f"group: {group} does not divide {what}, {count}; each group takes as many maps")

    def _weight_shape(self) -> tuple[int, ...]:
        raise NotImplementedError

    def _new_geometry(self, images: int, size: tuple[int, ...]) -> Geometry:
        """For ``images`` images of spatial shape ``size``; its size is the spatial shape of the larger side."""
        raise NotImplementedError

    def _top_size(self, geometry: Geometry) -> tuple[int, ...]:
        raise NotImplementedError

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape, axis = bottom[0].shape, self._axis
        for other in bottom[1:]:
            if other.shape != shape:
                raise self.error(
                    f"all bottoms must have one shape, but there are {shape_text(shape)} and {shape_text(other.shape)}"
                )
        if len(shape) - axis - 1 != len(self._kernel.size) or shape[axis] != self._channels:
            raise self.error(
                f"was set up for {self._channels} channels with {len(self._kernel.size)} spatial axes, but "
                f"the bottom is now {shape_text(shape)}"
            )
        images = prod(shape[:axis])
        geometry = self._new_geometry(images, shape[axis + 1 :])
        if geometry != self._geometry:
            check_windows(self, geometry, bottom[0])
            self._geometry = geometry
            self._plan = convolution(self.backend, geometry, self.dtype)
        size = self._top_size(geometry)
        self._bottom_shape = (images, self._channels, *shape[axis + 1 :])
        self._top_shape = (images, self.options.num_output, *size)
        for blob in top:
            blob.reshape((*shape[:axis], self.options.num_output, *size))

    @property
    def backward_kernels(self) -> tuple[Threaded, ...]:
        return backward_kernels(self._plan)

    @property
    def _bias(self) -> Array | None:
        return self.blobs[1].data if len(self.blobs) > 1 else None

    def _add_bias_gradient(self, dy: Array) -> None:
        if len(self.blobs) > 1 and self.param_propagate_down[1]:
            dy = dy.reshape(dy.shape[0], dy.shape[1], -1)
            add_bias_gradient(self.backend, dy, self.blobs[1].diff)
