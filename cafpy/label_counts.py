"""How often each label comes in the data of a net, brought from the layers that read them to the layers that ask."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.net_builder import call
from cafpy.proto.describe import describe
from cafpy.wiring import Node

HELP = "labels can be counted that a Data, ImageData or HDF5Data layer brings; give class_weight instead"


def hand_out_label_counts(nodes: Sequence[Node]) -> None:
    """Give every layer with a ``counted_bottom`` its counts: one pass over the labels, once the net is built, so that
    they are the same whenever it is. Raises the layer's error where nobody can count them."""
    for index, node in enumerate(nodes):
        if node.layer.counted_bottom is not None:
            name = node.bottom[node.layer.counted_bottom]
            maker, top = _origin(nodes[:index], name)
            counts = maker.layer.label_counts(top)
            if counts is None:
                raise node.layer.error(
                    f"balance_classes: the labels '{maker.top[top]}' come from {describe(maker.param)}, which cannot "
                    f"count them; {HELP}"
                )
            call(node.layer, node.layer.set_label_counts, counts)


def _origin(nodes: Sequence[Node], name: str) -> tuple[Node, int]:
    """The layer that made the values in this blob, and which of its tops they were."""
    for index in reversed(range(len(nodes))):
        node = nodes[index]
        if name in node.top:
            if node.layer.passes_values:
                return _origin(nodes[:index], node.bottom[0])
            return node, node.top.index(name)
    raise AssertionError(f"no layer makes '{name}'")
