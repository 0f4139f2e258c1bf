"""The same net in PyTorch, built from the same prototxt: what the benchmarks measure cafpy against.

Only what the benchmarked nets hold is here. BatchNorm with a Scale behind it becomes one BatchNorm2d, as anybody
would write it in PyTorch, and Split and Accuracy vanish: PyTorch gets every advantage that the net allows.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb


class TorchNet(nn.Module):
    """Calls of modules or functions on named tensors, in the order of a prepared NetParameter's layers.

    ``forward`` takes the net's inputs in their order and returns the sum of the losses in training, the last output
    otherwise.
    """

    def __init__(self, param: pb.NetParameter, shapes: dict[str, tuple[int, ...]]):
        """``param`` comes from ``cafpy.passes.prepare``; ``shapes`` holds the shape of every blob of the cafpy net."""
        super().__init__()
        self.shapes = shapes
        self.steps: list[tuple[Callable, list[str], str]] = []
        self.losses: list[str] = []
        self.inputs: list[str] = []
        self.of_layer: dict[str, nn.Module] = {}  # those with parameters, by the layer's name
        alias: dict[str, str] = {}
        layers = list(param.layer)
        for index, layer in enumerate(layers):
            bottom = [alias.get(name, name) for name in layer.bottom]
            if layer.type in ("Input", "Accuracy", "Silence"):
                self.inputs += list(layer.top) if layer.type == "Input" else []
            elif layer.type == "Split":
                alias.update(dict.fromkeys(layer.top, bottom[0]))
            elif layer.type == "Scale" and layers[index - 1].type == "BatchNorm" and len(bottom) == 1:
                alias[layer.top[0]] = bottom[0]  # the BatchNorm2d before it scales
                self.of_layer[layer.name] = self.of_layer[layers[index - 1].name]
            else:
                scaled = index + 1 < len(layers) and layers[index + 1].type == "Scale"
                scaled = scaled and len(layers[index + 1].bottom) == 1
                top = layer.top[0] if layer.top else f"{layer.name} top"
                self._add(layer, bottom, top, scaled)
                alias[top] = top
        self.output = self.steps[-1][2]

    def _add(self, layer: pb.LayerParameter, bottom: list[str], top: str, scaled: bool) -> None:
        make = getattr(self, f"_{layer.type.lower()}", None)
        if make is None:
            raise NotImplementedError(f"tools/torch_net.py has no {layer.type} layer")
        step = make(layer, bottom, scaled) if layer.type == "BatchNorm" else make(layer, bottom)
        if isinstance(step, nn.Module):
            self.add_module(f"{len(self.steps)} {layer.name}".replace(".", "_"), step)
            self.of_layer[layer.name] = step
        self.steps.append((step, bottom, top))
        if layer.type.endswith("Loss"):
            self.losses.append(top)

    def load(self, net: Net) -> None:
        """Take over the parameters of a cafpy net, the statistics of BatchNorm too."""
        for node in net.nodes:
            if not node.layer.blobs:
                continue
            module = self.of_layer[node.param.name]
            values = [torch.from_numpy(blob.data.copy()) for blob in node.layer.blobs]
            if node.param.type == "BatchNorm":
                module.running_mean.copy_(values[0] / values[2])
                module.running_var.copy_(values[1] / values[2])
                continue
            # InnerProduct is a Flatten and a Linear; a Scale belongs to the BatchNorm2d before it
            targets = list(module.parameters())
            if len(targets) != len(values):
                raise NotImplementedError(f"layer '{node.param.name}' has other parameters than its PyTorch module")
            with torch.no_grad():
                for target, value in zip(targets, values, strict=True):
                    target.copy_(value.reshape(target.shape))

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        values = dict(zip(self.inputs, inputs, strict=True))
        for step, bottom, top in self.steps:
            values[top] = step(*[values[name] for name in bottom])
        return sum(values[name] for name in self.losses) if self.losses else values[self.output]

    # -- one method a layer type -------------------------------------------------------------------------------

    def _channels(self, name: str) -> int:
        return self.shapes[name][1]

    def _convolution(self, layer: pb.LayerParameter, bottom: list[str]) -> nn.Module:
        p = layer.convolution_param
        options = {
            "kernel_size": _pair(p, "kernel_size", "kernel_h", "kernel_w", 0),
            "stride": _pair(p, "stride", "stride_h", "stride_w", 1),
            "padding": _pair(p, "pad", "pad_h", "pad_w", 0),
            "dilation": tuple(p.dilation) * 2 if len(p.dilation) == 1 else tuple(p.dilation) or 1,
            "groups": p.group,
            "bias": p.bias_term,
        }
        return nn.Conv2d(self._channels(bottom[0]), p.num_output, **options)

    def _innerproduct(self, layer: pb.LayerParameter, bottom: list[str]) -> nn.Module:
        p = layer.inner_product_param
        count = 1
        for size in self.shapes[bottom[0]][p.axis :]:
            count *= size
        return nn.Sequential(nn.Flatten(p.axis), nn.Linear(count, p.num_output, p.bias_term))

    def _pooling(self, layer: pb.LayerParameter, bottom: list[str]) -> Callable:
        p = layer.pooling_param
        if p.global_pooling:
            return (
                (lambda x: F.adaptive_max_pool2d(x, 1)) if p.pool == p.MAX else (lambda x: F.adaptive_avg_pool2d(x, 1))
            )
        kernel = (p.kernel_size, p.kernel_size) if p.HasField("kernel_size") else (p.kernel_h, p.kernel_w)
        stride = (p.stride_h, p.stride_w) if p.HasField("stride_h") else (p.stride, p.stride)
        pad = (p.pad_h, p.pad_w) if p.HasField("pad_h") else (p.pad, p.pad)
        ceil = p.round_mode == p.CEIL
        cls = nn.MaxPool2d if p.pool == p.MAX else nn.AvgPool2d
        return cls(kernel, stride, pad, ceil_mode=ceil)

    def _relu(self, layer: pb.LayerParameter, bottom: list[str]) -> Callable:
        inplace = layer.bottom[0] == layer.top[0]
        slope = layer.relu_param.negative_slope
        return nn.LeakyReLU(slope, inplace) if slope else nn.ReLU(inplace)

    def _relu6(self, layer: pb.LayerParameter, bottom: list[str]) -> Callable:
        return nn.ReLU6(True)

    def _prelu(self, layer: pb.LayerParameter, bottom: list[str]) -> Callable:
        return nn.PReLU(1 if layer.prelu_param.channel_shared else self._channels(bottom[0]))

    def _sigmoid(self, layer: pb.LayerParameter, bottom: list[str]) -> Callable:
        return torch.sigmoid

    def _tanh(self, layer: pb.LayerParameter, bottom: list[str]) -> Callable:
        return torch.tanh

    def _lrn(self, layer: pb.LayerParameter, bottom: list[str]) -> Callable:
        p = layer.lrn_param
        if p.norm_region == p.ACROSS_CHANNELS:
            return nn.LocalResponseNorm(p.local_size, p.alpha, p.beta, p.k)
        size, alpha, beta = p.local_size, p.alpha, p.beta
        return lambda x: x * (1 + alpha * F.avg_pool2d(x * x, size, 1, size // 2)).pow(-beta)

    def _dropout(self, layer: pb.LayerParameter, bottom: list[str]) -> Callable:
        return nn.Dropout(layer.dropout_param.dropout_ratio)  # in place it would destroy what ReLU's backward needs

    def _batchnorm(self, layer: pb.LayerParameter, bottom: list[str], scaled: bool) -> Callable:
        p = layer.batch_norm_param
        momentum = 1 - p.moving_average_fraction
        return nn.BatchNorm2d(self._channels(bottom[0]), p.eps, momentum, affine=scaled)

    def _eltwise(self, layer: pb.LayerParameter, bottom: list[str]) -> Callable:
        p = layer.eltwise_param
        if p.operation == p.SUM and not p.coeff:
            return lambda *xs: xs[0] + xs[1] if len(xs) == 2 else sum(xs)
        if p.operation == p.PROD:
            return lambda a, b: a * b
        return torch.maximum

    def _concat(self, layer: pb.LayerParameter, bottom: list[str]) -> Callable:
        axis = layer.concat_param.axis
        return lambda *xs: torch.cat(xs, axis)

    def _flatten(self, layer: pb.LayerParameter, bottom: list[str]) -> Callable:
        return nn.Flatten(layer.flatten_param.axis)

    def _softmax(self, layer: pb.LayerParameter, bottom: list[str]) -> Callable:
        return nn.Softmax(layer.softmax_param.axis)

    def _softmaxwithloss(self, layer: pb.LayerParameter, bottom: list[str]) -> Callable:
        weight = layer.loss_weight[0] if layer.loss_weight else 1.0
        return lambda x, label: (
            weight * F.cross_entropy(x.flatten(1) if x.dim() == 2 else x.squeeze((2, 3)), label.long())
        )


def _pair(p: object, both: str, h: str, w: str, default: int) -> tuple[int, int]:
    if p.HasField(h) or p.HasField(w):
        return getattr(p, h), getattr(p, w)
    values = list(getattr(p, both)) or [default]
    return (values[0], values[0]) if len(values) == 1 else (values[0], values[1])
