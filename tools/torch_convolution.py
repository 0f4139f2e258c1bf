"""The same convolutions by PyTorch, as usual in memory and with channels last, and products, for tools/bench_ops.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from cafpy.ops.convolution.geometry import Geometry

FORMATS = {"NCHW": torch.contiguous_format, "channels last": torch.channels_last}


def rivals(
    g: Geometry, x: np.ndarray, weight: np.ndarray, bias: np.ndarray, dy: np.ndarray
) -> dict[str, dict[str, Callable[[], object]]]:
    """For each direction of a convolution over two axes what runs it, by the format's name."""
    found: dict[str, dict[str, Callable[[], object]]] = {
        direction: {} for direction in ("forward", "to weights", "to data", "to both")
    }
    for name, memory_format in FORMATS.items():
        images, filters, gradient = (
            torch.from_numpy(array).contiguous(memory_format=memory_format) for array in (x, weight, dy)
        )
        shape: tuple[Any, ...] = (list(g.stride), list(g.pad), list(g.dilation))
        forward = torch.inference_mode()(torch.nn.functional.conv2d)
        backward = torch.inference_mode()(torch.ops.aten.convolution_backward)
        back = (gradient, images, filters, None, *shape, False, [0, 0], g.group)
        found["forward"][name] = _call(forward, images, filters, torch.from_numpy(bias), *shape, g.group)
        found["to weights"][name] = _call(backward, *back, [False, True, False])
        found["to data"][name] = _call(backward, *back, [True, False, False])
        found["to both"][name] = _call(backward, *back, [True, True, False])
    return found


def product(a: np.ndarray, b: np.ndarray, c: np.ndarray, add: bool) -> Callable[[], object]:
    """What sets c = a b, or with ``add`` c += a b."""
    x, y, z = (torch.from_numpy(array) for array in (a, b, c))
    return _call(z.addmm_, x, y) if add else lambda: torch.mm(x, y, out=z)


def _call(function: Callable[..., object], *arguments: Any) -> Callable[[], object]:
    return lambda: function(*arguments)
