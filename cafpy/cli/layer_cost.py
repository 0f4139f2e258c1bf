"""What a layer must do at the least: multiplications and additions, and bytes to and from memory."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import NamedTuple

from cafpy.blob import Blob
from cafpy.net import Net
from cafpy.wiring import Node

_PRODUCTS = ("Convolution", "Deconvolution", "InnerProduct")
# their tops are the bottom's memory (Split, Flatten, Reshape), or there is nothing to compute (Input, Silence)
_FREE = ("Split", "Flatten", "Reshape", "Input", "Silence")
# backward looks at the top's gradient, and at a mask or sizes at most, never again at the bottom's values
_BOTTOM_UNREAD = (
    "Concat",
    "Slice",
    "Pooling",
    "Dropout",
    "Softmax",
    "SoftmaxWithLoss",
    "Sigmoid",
    "TanH",
    "Crop",
    "Tile",
)


class Cost(NamedTuple):
    """Floating point operations (a multiplication and an addition are two) and bytes of a pass."""

    flops: float
    bytes: float

    def __add__(self, other: object) -> Cost:
        """Both, one after the other."""
        if not isinstance(other, Cost):
            return NotImplemented
        return Cost(self.flops + other.flops, self.bytes + other.bytes)

    def least_seconds(self, gflops: float, gbytes: float) -> float:
        """The time on a machine of so many GFLOP/s and GB/s, when the two overlap entirely."""
        return max(self.flops / gflops, self.bytes / gbytes) / 1e9


NOTHING = Cost(0.0, 0.0)


def forward_cost(node: Node) -> Cost:
    """One forward pass by direct products: each bottom and parameter is read once, each top written once."""
    if node.param.type in _FREE:
        return NOTHING
    return Cost(flops(node), _size([*node.bottom_blobs, *node.layer.blobs, *node.top_blobs]))


def backward_cost(node: Node) -> Cost:
    """One backward pass: the tops' gradients and what they are multiplied with are read, the gradients that are wanted
    are written (a parameter's is read too, because it is added to)."""
    if not node.needs_backward:
        return NOTHING
    wanted = [blob for blob, needed in zip(node.bottom_blobs, node.bottom_needs, strict=True) if needed]
    if node.param.type == "Split":  # its bottom's gradient is the sum of its tops'
        return Cost(0.0, _size([*node.top_blobs, *wanted]))
    if node.param.type in _FREE:
        return NOTHING
    pairs = zip(node.layer.blobs, node.layer.param_propagate_down, strict=True)
    learning = [blob for blob, learns in pairs if learns]
    read = list(node.layer.blobs) if wanted else []
    if learning or not _sums_or_passes_on(node):
        read += node.bottom_blobs
    passes = bool(wanted) + bool(learning)
    return Cost(flops(node) * passes, _size([*node.top_blobs, *read, *wanted, *learning, *learning]))


def flops(node: Node) -> float:
    """Floating point operations of one forward pass by direct products; 0 for layers bound by memory.

    Backward takes the same for each of the bottom's and the weight's gradient.
    """
    if node.param.type not in _PRODUCTS or not node.layer.blobs:
        return 0.0
    weight = node.layer.blobs[0]
    if node.param.type == "InnerProduct":
        return 2.0 * weight.count * node.top_blobs[0].count / node.layer.options.num_output
    # every weight takes part once for each position of the kernel: outputs of a convolution, inputs of its transpose
    places = node.top_blobs if node.param.type == "Convolution" else node.bottom_blobs
    axis = node.layer.options.axis % places[0].ndim
    return sum(2.0 * weight.count * prod(blob.shape[:axis]) * prod(blob.shape[axis + 1 :]) for blob in places)


def _sums_or_passes_on(node: Node) -> bool:
    if node.param.type == "Eltwise":
        return bool(node.layer.options.operation == node.layer.options.SUM)
    return node.param.type in _BOTTOM_UNREAD


def _size(blobs: Iterable[Blob]) -> float:
    return float(sum(blob.count * blob.dtype.itemsize for blob in blobs))


def layer_costs(net: Net, backward_too: bool = True) -> list[Cost]:
    """The least work of each line of :func:`cafpy.cli.layer_time.measure`."""
    costs = []
    for step in net.plan.steps:
        both = [forward_cost(node) + (backward_cost(node) if backward_too else NOTHING) for node in step.nodes]
        # layers that run as one must at the least move what the largest of them must
        costs.append(Cost(sum(cost.flops for cost in both), max(cost.bytes for cost in both)))
    return costs
