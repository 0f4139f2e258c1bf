"""The learnable parameters of a net: each once, with its multipliers, shared ones by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cafpy.blob import Blob
from cafpy.errors import NetError
from cafpy.layer import shape_text
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.describe import describe
from cafpy.wiring import Node


@dataclass
class Parameter:
    """A parameter blob as the solver sees it.

    Attributes:
        blob: values and gradient.
        layer, index: the layer that owns it and its place in that layer's blobs.
        name: the name it is shared under, or "".
        lr_mult, decay_mult: factors on the solver's learning rate and weight decay.
    """

    blob: Blob
    layer: str
    index: int
    name: str = ""
    lr_mult: float = 1.0
    decay_mult: float = 1.0

    def __str__(self) -> str:
        return f"{self.layer}/{self.index}"


def collect_parameters(nodes: list[Node]) -> list[Parameter]:
    """Every parameter of the net once, in the order of the layers; blobs of one name share their owner's memory.

    Raises NetError when a layer has more ``param`` entries than parameters, or when blobs of one name differ in
    shape, lr_mult or decay_mult.
    """
    parameters: list[Parameter] = []
    owners: dict[str, tuple[Parameter, Node]] = {}
    given: dict[str, dict[str, float]] = {}
    for node in nodes:
        specs = list(node.param.param)
        if len(specs) > len(node.layer.blobs):
            raise node.layer.error(
                f"has {len(specs)} param entries but only {len(node.layer.blobs)} parameter blobs; remove the last ones"
            )
        for i, blob in enumerate(node.layer.blobs):
            spec = specs[i] if i < len(specs) else pb.ParamSpec()
            if spec.name and spec.name in owners:
                owner, owner_node = owners[spec.name]
                _share(owner, owner_node, blob, node, i, spec)
                _merge_multipliers(owner, given[spec.name], owner_node, node, spec)
                continue
            parameter = Parameter(blob, node.param.name, i, spec.name, spec.lr_mult, spec.decay_mult)
            parameters.append(parameter)
            if spec.name:
                owners[spec.name] = (parameter, node)
                given[spec.name] = _multipliers(spec)
    return parameters


def _share(owner: Parameter, owner_node: Node, blob: Blob, node: Node, index: int, spec: Any) -> None:
    permissive = spec.share_mode == pb.ParamSpec.PERMISSIVE
    fits = blob.count == owner.blob.count if permissive else blob.shape == owner.blob.shape
    if not fits:
        what = "have as many values as" if permissive else "have the shape of"
        raise NetError(
            f"{describe(node.param)}: parameter {index} is shared as '{spec.name}', so it must {what} that of "
            f"{describe(owner_node.param)}: {shape_text(owner.blob.shape)} ({owner.blob.count}), "
            f"but it has {shape_text(blob.shape)} ({blob.count})"
        )
    blob.share_data(owner.blob)
    blob.share_diff(owner.blob)


def _multipliers(spec: Any) -> dict[str, float]:
    return {name: getattr(spec, name) for name in ("lr_mult", "decay_mult") if spec.HasField(name)}


def _merge_multipliers(owner: Parameter, said: dict[str, float], owner_node: Node, node: Node, spec: Any) -> None:
    """Any of the sharing layers may give lr_mult and decay_mult; those that do must agree."""
    for name, value in _multipliers(spec).items():
        if said.setdefault(name, value) != value:
            raise NetError(
                f"{describe(node.param)}: shared parameter '{spec.name}' has {name} {value:g} here, "
                f"but {said[name]:g} in {describe(owner_node.param)}; give the same value or leave one out"
            )
        setattr(owner, name, value)


def parameters_by_layer(nodes: list[Node]) -> dict[str, list[Blob]]:
    """The parameter blobs of each layer that has any, by its name. Raises LayerError when a name stands twice."""
    params: dict[str, list[Blob]] = {}
    for node in nodes:
        if not node.layer.blobs:
            continue
        if node.param.name in params:
            raise node.layer.error(
                "another layer with parameters has the same name; rename one, as weight files tell layers by name"
            )
        params[node.param.name] = node.layer.blobs
    return params
