"""Layers without products by PyTorch, for tools/bench_ops.py: in its usual order of memory and with channels last."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch_convolution import FORMATS


def rivals(name: str, x: np.ndarray, *options: Any, **named: Any) -> tuple[dict[str, Callable[[], object]], ...]:
    """What runs forward and backward of a function of torch.nn.functional, by the format's name; made when run."""
    forward: dict[str, Callable[[], object]] = {}
    backward: dict[str, Callable[[], object]] = {}
    for title, memory_format in FORMATS.items():
        made = cache(lambda memory_format=memory_format: _layer(name, x, memory_format, options, named))
        forward[title] = lambda made=made: made()[0]()
        backward[title] = lambda made=made: made()[1]()
    return forward, backward


def _layer(
    name: str, x: np.ndarray, memory_format: torch.memory_format, options: tuple[Any, ...], named: dict[str, Any]
) -> tuple[Callable[[], object], Callable[[], object]]:
    images = torch.from_numpy(x).contiguous(memory_format=memory_format).requires_grad_(True)
    wanted, function = [images], getattr(torch.nn.functional, name, None)
    if name == "batch_norm_relu":
        layer = torch.nn.BatchNorm2d(x.shape[1])
        wanted += layer.parameters()
        options = ()

        def function(images: torch.Tensor) -> torch.Tensor:
            return torch.relu_(layer(images))

    y = function(images, *options, **named)
    dy = torch.ones_like(y)

    def forward() -> object:
        with torch.no_grad():
            return function(images, *options, **named)

    return forward, lambda: torch.autograd.grad(y, wanted, dy, retain_graph=True)
