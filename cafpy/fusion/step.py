"""A step of a net's forward and backward pass: one layer, or several layers that run as one."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.layer import Layer
from cafpy.wiring import Node


class Step:
    """One layer, and the base of fused ones.

    Attributes:
        nodes: the layers, in order.
        first, last: their indices in the net.
    """

    def __init__(self, nodes: Sequence[Node], first: int):
        self.nodes = list(nodes)
        self.first = first
        self.last = first + len(nodes) - 1

    @property
    def name(self) -> str:
        """The layers' names, "conv1 + relu1"."""
        return " + ".join(node.param.name for node in self.nodes)

    @property
    def type(self) -> str:
        """The layers' types, "Convolution + ReLU"."""
        return " + ".join(node.param.type for node in self.nodes)

    def layer_of(self, error: BaseException) -> Layer:
        """The layer that the error's text names, else the first."""
        named = (node.layer for node in self.nodes if str(error).startswith(node.layer.where))
        return next(named, self.nodes[0].layer)

    def equal_gradients(self) -> list[tuple[Blob, Blob]]:
        """Pairs of a bottom and a top whose gradients are the same after backward, so that they may be one memory where
        nobody looks at the top's."""
        return []

    def forward(self) -> None:
        """Compute what the layers' tops hold after them; all shapes are settled."""
        raise NotImplementedError

    def backward(self) -> None:
        """Compute the gradients of the bottoms and parameters of those layers that take part in backward."""
        raise NotImplementedError


class SingleStep(Step):
    """A layer that runs by itself; ``group`` is the fused step that it is part of at other times, if any."""

    def __init__(self, node: Node, index: int):
        super().__init__([node], index)
        self.group: FusedStep | None = None

    def forward(self) -> None:
        node, group = self.nodes[0], self.group
        if group is not None and group.first == self.first:
            group.ran_fused = False  # the others will follow one by one
        node.layer.forward(node.bottom_blobs, node.top_blobs)

    def backward(self) -> None:
        node = self.nodes[0]
        if not node.needs_backward:
            return
        if self.group is not None:
            self.group.unfuse()
        node.layer.backward(node.top_blobs, node.bottom_needs, node.bottom_blobs)


class FusedStep(Step):
    """Several layers that run as one, each direction where it can at that moment, or else one by one.

    Attributes:
        ran_fused: the last forward pass ran as one, so what single layers keep for backward may be missing.
    """

    def __init__(self, nodes: Sequence[Node], first: int):
        super().__init__(nodes, first)
        self.ran_fused = False

    # -- what a kind of step implements ------------------------------------------------------------------------

    def can_forward(self) -> bool:
        """Whether forward may run as one now (options may have been changed since the net was built)."""
        return True

    def can_backward(self) -> bool:
        """Whether backward may run as one now. By default where every layer takes part in it in full."""
        return all(node.needs_backward and all(node.bottom_needs) for node in self.nodes)

    def forward_fused(self) -> None:
        """Forward of all layers as one."""
        raise NotImplementedError

    def backward_fused(self) -> None:
        """Backward of all layers as one, after a forward pass of either kind."""
        raise NotImplementedError

    def restore(self) -> None:
        """After a forward pass as one: give the layers what each keeps for its own backward."""

    # -- what a net calls --------------------------------------------------------------------------------------

    def forward(self) -> None:
        self.ran_fused = self.can_forward()
        if self.ran_fused:
            self.forward_fused()
            return
        for node in self.nodes:
            node.layer.forward(node.bottom_blobs, node.top_blobs)

    def backward(self) -> None:
        if self.can_backward():
            self.backward_fused()
            return
        for node in reversed(self.nodes):
            if node.needs_backward:
                self.unfuse()
                node.layer.backward(node.top_blobs, node.bottom_needs, node.bottom_blobs)

    def unfuse(self) -> None:
        """Make ready for single layers' backward."""
        if self.ran_fused:
            self.restore()
            self.ran_fused = False
