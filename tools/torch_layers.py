"""PyTorch's convolutions and products of a net, each timed by itself on what it gets in the net."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import nn
from torch_net import TorchNet


def layer_times(module: TorchNet, inputs: list[torch.Tensor], seconds: float = 0.15) -> dict[str, tuple[float, float]]:
    """The least seconds, forward and backward (0 in evaluation), by the layer's name."""
    times = {}
    with torch.set_grad_enabled(module.training):
        for name, (layer, x) in _inputs(module, inputs).items():
            forward = _least(lambda layer=layer, x=x: layer(x), seconds)
            times[name] = forward, _backward(layer, x, seconds) if module.training else 0.0
    return times


def _inputs(module: TorchNet, inputs: list[torch.Tensor]) -> dict[str, tuple[nn.Module, torch.Tensor]]:
    """Each convolution or product with its input in a pass of the net."""
    seen: dict[str, tuple[nn.Module, torch.Tensor]] = {}
    first = inputs[0]
    hooks = []
    for name, layer in module.of_layer.items():
        if isinstance(layer, nn.Conv2d | nn.Sequential):

            def keep(layer: nn.Module, args: tuple[torch.Tensor], name: str = name) -> None:
                x = args[0].detach().clone()
                seen[name] = layer, x.requires_grad_(module.training and args[0] is not first)

            hooks.append(layer.register_forward_pre_hook(keep))
    module(*inputs)
    for hook in hooks:
        hook.remove()
    return seen


def _backward(layer: nn.Module, x: torch.Tensor, seconds: float) -> float:
    y = layer(x)
    dy = torch.ones_like(y)
    wanted = [*layer.parameters(), *([x] if x.requires_grad else [])]
    return _least(lambda: torch.autograd.grad(y, wanted, dy, retain_graph=True), seconds)


def _least(run: Callable[[], object], seconds: float) -> float:
    run()
    times = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return min(times)
