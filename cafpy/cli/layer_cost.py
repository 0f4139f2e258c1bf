"""What a layer must do at the least: multiplications and additions, and bytes to and from memory."""

from __future__ import annotations

from math import prod

from cafpy.wiring import Node

_PRODUCTS = ("Convolution", "Deconvolution", "InnerProduct")


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


def bytes_moved(node: Node) -> float:
    """Bytes of one forward pass: every bottom and parameter read once, every top written once."""
    blobs = [*node.bottom_blobs, *node.layer.blobs, *node.top_blobs]
    return float(sum(blob.count * blob.dtype.itemsize for blob in blobs))
