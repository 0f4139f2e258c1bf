"""Convolution: a plan for one geometry, made when a layer gets its shape, with a method for each direction.

    plan = convolution(backend, geometry, dtype)
    plan.forward(x, weight, bias, y)            # y = conv(x, weight) + bias
    forward_finished(backend, plan, x, weight, bias, y, epilogue)   # and what follows, see `epilogue.py`
    plan.backward_data(dy, weight, None, dx)    # dx = gradient of the images
    plan.backward_weight(x, dy, dweight)        # dweight += gradient of the weights
    backward(plan, x, dy, weight, dweight, dx)  # both, in one sweep where the plan has a way to do so

Shapes: x (images, channels, *size), weight (outputs, channels / group, *kernel), bias (outputs,) or None,
y (images, outputs, *windows). A deconvolution is the same with the directions exchanged.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from cafpy.backend import Array, Backend
from cafpy.ops.convolution.blocked import BlockedConvolution
from cafpy.ops.convolution.depthwise import DepthwiseConvolution
from cafpy.ops.convolution.depthwise_3x3 import DepthwiseConvolution3x3, fits
from cafpy.ops.convolution.depthwise_maps import DepthwiseConvolutionOfMaps
from cafpy.ops.convolution.depthwise_maps import fits as are_small
from cafpy.ops.convolution.epilogue import Epilogue, finish
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.panels import PanelConvolution
from cafpy.ops.convolution.plain import PlainConvolution
from cafpy.ops.convolution.winograd.by_output import WinogradByOutput
from cafpy.ops.convolution.winograd.by_tile import WinogradByTile
from cafpy.ops.convolution.winograd.choice import winograd_pays
from cafpy.ops.kernel.threaded import Threaded
from cafpy.ops.routine import routine

DEPTHWISE_OUTPUTS = 4  # of a map; with more, a matrix product is faster


class Convolution(Protocol):
    """What every plan can do; all arrays are C-contiguous."""

    def forward(self, x: Array, weight: Array, bias: Array | None, y: Array) -> None:
        """y = conv(x, weight) + bias."""

    def backward_data(self, dy: Array, weight: Array, bias: Array | None, dx: Array) -> None:
        """dx = gradient of the images, plus ``bias`` (channels,) where a deconvolution has one."""

    def backward_weight(self, x: Array, dy: Array, dweight: Array) -> None:
        """Add the gradient of the weights to ``dweight``."""


@routine
def convolution(xp: Any, geometry: Geometry, dtype: np.dtype) -> Convolution:
    """A plan for this geometry."""
    return PlainConvolution(xp, geometry, dtype)


@convolution.body("numba")
def exact_convolution(geometry: Geometry, dtype: np.dtype) -> Convolution:
    """The fastest plan that computes the sums themselves."""
    if len(geometry.size) > 2 or not geometry.images:
        return PlainConvolution(np, geometry, dtype)
    geometry = geometry.with_two_axes()
    if geometry.group == geometry.channels > 1 and geometry.outputs_per_group <= DEPTHWISE_OUTPUTS:
        if are_small(geometry, dtype):
            return DepthwiseConvolutionOfMaps(geometry, dtype)
        return (DepthwiseConvolution3x3 if fits(geometry) else DepthwiseConvolution)(geometry, dtype)
    return (PanelConvolution if dtype == np.float32 else BlockedConvolution)(geometry, dtype)


@convolution.body("winograd")
def _(geometry: Geometry, dtype: np.dtype) -> Convolution:
    directions = winograd_pays(geometry, dtype)
    makers = {"exact": exact_convolution, "tiles": WinogradByTile, "outputs": WinogradByOutput}
    plans: dict[str, Convolution] = {way: makers[way](geometry, dtype) for way in set(directions)}
    return plans.popitem()[1] if len(plans) == 1 else ByDirection(*(plans[way] for way in directions))


def forward_finished(
    backend: Backend, plan: Convolution, x: Array, weight: Array, bias: Array | None, y: Array, epilogue: Epilogue
) -> None:
    """y = act((conv(x, weight) + bias) · factor + shift), by the plan itself or in a pass behind it."""
    if getattr(plan, "finishes", False):
        plan.forward(x, weight, bias, y, epilogue)  # type: ignore[call-arg]
        return
    plan.forward(x, weight, bias, y)
    finish(backend, y.reshape(y.shape[0], y.shape[1], -1), epilogue)


def backward(plan: Convolution, x: Array, dy: Array, weight: Array, dweight: Array, dx: Array) -> None:
    """Add the gradient of the weights to ``dweight`` and write that of the images to ``dx``."""
    at_once = getattr(plan, "backward", None)
    if at_once is not None:
        at_once(x, dy, weight, dweight, dx)
        return
    plan.backward_weight(x, dy, dweight)
    plan.backward_data(dy, weight, None, dx)


def backward_kernels(plan: Convolution) -> tuple[Threaded, ...]:
    """The larger kernels that only the plan's gradients need, as far as it tells."""
    return getattr(plan, "backward_kernels", ())


class ByDirection:
    """A plan made of a plan for each direction."""

    def __init__(self, forward: Convolution, backward_data: Convolution, backward_weight: Convolution):
        self.forward = forward.forward
        self.finishes = getattr(forward, "finishes", False)
        self.backward_data = backward_data.backward_data
        self.backward_weight = backward_weight.backward_weight
        self.backward_kernels = (*backward_kernels(backward_weight), *backward_kernels(backward_data))
