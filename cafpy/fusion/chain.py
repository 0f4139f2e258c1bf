"""Chains of layers: one, and those behind it that work on its top one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cafpy.layer import Layer
from cafpy.layers.batch_norm import BatchNorm
from cafpy.layers.relu import ReLU
from cafpy.layers.scale import Scale
from cafpy.wiring import Node


@dataclass
class Chain:
    """What was found: the nodes in order, and the layers behind the first one by what they are."""

    nodes: list[Node] = field(default_factory=list)
    norm: BatchNorm | None = None
    scale: Scale | None = None
    relu: ReLU | None = None

    @property
    def in_place(self) -> bool:
        """Whether all behind the first layer work in place."""
        return self.nodes[-1].top == self.nodes[0].top

    @property
    def slope(self) -> float:
        """The ReLU's factor of negative values; 1 without a ReLU."""
        return 1.0 if self.relu is None else self.relu.options.negative_slope


def chain(nodes: Sequence[Node], at: int, wanted: Sequence[type[Layer]], hidden: bool = False) -> Chain:
    """Layer ``at`` and as many of the layers behind it as are of ``wanted`` types, in this order (any may be missing),
    and work in place on its one top, a map for each channel. No subclasses: they may compute something else.

    ``hidden``: nobody looks at blobs in between, so they need not work in place.
    """
    first = nodes[at]
    found = Chain([first])
    if len(first.top) != 1 or any(first.layer.loss_weights):
        return found
    for layer_type in wanted:
        node = nodes[at + len(found.nodes)] if at + len(found.nodes) < len(nodes) else None
        if node is None or type(node.layer) is not layer_type or any(node.layer.loss_weights):
            continue
        if node.bottom != found.nodes[-1].top or not (hidden or node.top == node.bottom):
            continue
        layer = node.layer
        if isinstance(layer, BatchNorm):
            found.norm = layer
        elif isinstance(layer, Scale) and layer.by_channel(node.bottom_blobs[0]):
            found.scale = layer
        elif isinstance(layer, ReLU) and not layer.keeps_x:
            found.relu = layer
        else:
            continue
        found.nodes.append(node)
    return found
