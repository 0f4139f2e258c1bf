"""`debug_info: true`: the mean magnitude of everything that flows through the net, in Caffe's words.

    [Forward] Layer ip1, top blob ip1 data: 0.5
    [Backward] Layer ip1, bottom blob data diff: 0.01

So a layer whose values die out or explode is found by eye.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cafpy.backend import Array
from cafpy.net import Net


def forward_lines(net: Net) -> Iterator[str]:
    """Run forward layer by layer; a line for each top and each parameter as soon as it is computed."""
    for i, node in enumerate(net.nodes):
        net.forward(i, i)
        layer = f"    [Forward] Layer {node.param.name}"
        for name in node.top:
            yield f"{layer}, top blob {name} data: {_magnitude(net, net.blobs[name].data):g}"
        for j, blob in enumerate(node.layer.blobs):
            yield f"{layer}, param blob {_param_name(node.param, j)} data: {_magnitude(net, blob.data):g}"


def backward_lines(net: Net) -> Iterator[str]:
    """Run backward layer by layer; a line for each gradient, and one for all parameters at the end."""
    for i in range(len(net.nodes) - 1, -1, -1):
        node = net.nodes[i]
        if not node.needs_backward:
            continue
        net.backward(i, i)
        layer = f"    [Backward] Layer {node.param.name}"
        for name, needed in zip(node.bottom, node.bottom_needs, strict=True):
            if needed:
                yield f"{layer}, bottom blob {name} diff: {_magnitude(net, net.blobs[name].diff):g}"
        for j, blob in enumerate(node.layer.blobs):
            if node.layer.param_propagate_down[j]:
                yield f"{layer}, param blob {j} diff: {_magnitude(net, blob.diff):g}"
    data, diff = (net.backend.to_host(array).astype(float) for array in net.arena())
    yield (
        "    [Backward] All net params (data, diff): "
        f"L1 norm = ({np.abs(data).sum():g}, {np.abs(diff).sum():g}); "
        f"L2 norm = ({np.linalg.norm(data):g}, {np.linalg.norm(diff):g})"
    )


def _magnitude(net: Net, array: Array) -> float:
    return float(net.backend.to_host(abs(array).mean())) if array.size else 0.0


def _param_name(param: object, index: int) -> str:
    specs = param.param  # type: ignore[attr-defined]
    return (specs[index].name if index < len(specs) else "") or str(index)
