"""Who gives which blob to whom, and who needs a gradient: decided from declarations, before any number is computed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cafpy.blob import Blob
from cafpy.errors import NetError
from cafpy.layer import Arity, Layer
from cafpy.proto.describe import describe


@dataclass
class Node:
    """One layer's place in a net.

    Attributes:
        layer: the layer itself.
        bottom, top: names of its blobs; a name in both at the same index means in place.
        bottom_blobs, top_blobs: the blobs themselves.
        bottom_needs: per bottom, whether the layer must compute its gradient.
        needs_backward: whether the layer takes part in backward at all.
    """

    layer: Layer
    bottom: list[str]
    top: list[str]
    bottom_blobs: list[Blob] = field(default_factory=list)
    top_blobs: list[Blob] = field(default_factory=list)
    bottom_needs: list[bool] = field(default_factory=list)
    needs_backward: bool = False

    @property
    def param(self) -> Any:
        return self.layer.param


def check_counts(layer: Layer) -> None:
    """Raise the layer's error unless its numbers of bottoms, tops and per-bottom options are what it declares."""
    param = layer.param
    _check_arity(layer, "takes", "bottom", layer.bottoms, layer.bottom_names)
    if not layer.is_loss or param.top:
        _check_arity(layer, "gives", "top", layer.tops, list(param.top))
    if layer.same_number and len(param.bottom) != len(param.top):
        raise layer.error(
            f"gives as many tops as it takes bottoms, but has {len(param.bottom)} bottoms and {len(param.top)} tops"
        )
    if len(param.propagate_down) not in (0, len(param.bottom)):
        raise layer.error(
            f"propagate_down is given {len(param.propagate_down)} times for {len(param.bottom)} bottoms; "
            "give it once per bottom or not at all"
        )


def _check_arity(layer: Layer, verb: str, side: str, wanted: Arity, names: list[str]) -> None:
    least, most = (wanted, wanted) if isinstance(wanted, int) else wanted
    count = len(names)
    if count < least or (most is not None and count > most):
        number = f"{least}" if most == least else f"at least {least}" if most is None else f"{least} to {most}"
        plural = "" if number in ("1", "at least 1") else "s"
        said = f"{count}: {', '.join(names)}" if names else "none"
        raise layer.error(f"{verb} {number} {side} blob{plural}, but the net gives it {said}")


def needed_tops(layer: Layer) -> int:
    """How many tops the layer has at least; a loss without a named top gets one of its own."""
    least = layer.tops if isinstance(layer.tops, int) else layer.tops[0]
    return least if layer.is_loss else 0


def loss_weights(layer: Layer, top_count: int) -> list[float]:
    """The loss weight of each top: what the net says, else 1 for top 0 of a loss, else 0."""
    given = list(layer.param.loss_weight)
    if given and len(given) != top_count:
        raise layer.error(
            f"loss_weight is given {len(given)} times for {top_count} tops; give it once per top or not at all"
        )
    if given:
        return given
    weights = [0.0] * top_count
    if layer.is_loss and weights:
        weights[0] = 1.0
    return weights


def plan_backward(nodes: list[Node], force: bool) -> None:
    """Fill in ``bottom_needs`` and ``needs_backward`` of every node, as Caffe decides them.

    Forward: a blob needs a gradient when a layer that made it learns, or one of that layer's bottoms needs one.
    Backward: but not when nothing of it reaches a loss, or when the way there is cut by ``propagate_down: false``.
    ``force_backward: true`` asks for all gradients that there can be.
    """
    _plan_from_parameters(nodes)
    _prune_from_losses(nodes)
    if force:
        _force(nodes)


def _plan_from_parameters(nodes: list[Node]) -> None:
    blob_needs: dict[str, bool] = {}
    for node in nodes:
        said = list(node.param.propagate_down)
        node.bottom_needs = [said[i] if said else blob_needs[name] for i, name in enumerate(node.bottom)]
        learns = False
        for i in range(len(node.layer.blobs)):
            wanted = i >= len(node.param.param) or node.param.param[i].lr_mult != 0
            node.layer.param_propagate_down[i] = wanted
            learns = learns or wanted
        node.needs_backward = learns or any(blob_needs[name] for name in node.bottom)
        for name in node.top:
            blob_needs[name] = node.needs_backward


def _prune_from_losses(nodes: list[Node]) -> None:
    under_loss: set[str] = set()
    cut: set[str] = set()
    for node in reversed(nodes):
        weights = node.layer.loss_weights
        contributes = any(w or name in under_loss for w, name in zip(weights, node.top, strict=True))
        # nobody above asks for the gradient of any of its tops, so it has none to pass on
        all_cut = all(name in cut for name in node.top)
        if all_cut or not contributes:
            node.needs_backward = False
            node.bottom_needs = [False] * len(node.bottom)
        for name, needed in zip(node.bottom, node.bottom_needs, strict=True):
            if contributes:
                under_loss.add(name)
            if not needed:
                cut.add(name)


def _force(nodes: list[Node]) -> None:
    for node in nodes:
        node.needs_backward = bool(node.bottom or node.layer.blobs)
        node.bottom_needs = [needed or i not in node.layer.no_gradient for i, needed in enumerate(node.bottom_needs)]
        node.layer.param_propagate_down = [True] * len(node.layer.blobs)


def check_no_gradient_into_labels(nodes: Iterable[Node]) -> None:
    """Raise NetError when a loss would have to send a gradient into its labels."""
    for node in nodes:
        for i in node.layer.no_gradient:
            if i < len(node.bottom) and node.bottom_needs[i]:
                flags = " ".join(f"propagate_down: {'false' if j == i else 'true'}" for j in range(len(node.bottom)))
                raise NetError(
                    f"{describe(node.param)}: bottom '{node.layer.bottom_names[i]}' comes from layers that learn, but "
                    f"this layer gives it no gradient; if it is meant as a label, write `{flags}`"
                )
