"""How messages name a layer of any of the three formats: "layer 'ip1' (InnerProduct), lenet.prototxt:88"."""

from __future__ import annotations

from collections.abc import Iterable

from cafpy.proto import cafpy_pb2 as pb


def describe(layer: pb.LayerParameter | pb.V1LayerParameter) -> str:
    """The layer's name, its type as its own format writes it, and its line where the text reader left one."""
    at = f", {layer.defined_at}" if layer.defined_at else ""
    if isinstance(layer, pb.LayerParameter):
        return f"layer '{layer.name}' ({layer.type}){at}"
    if layer.HasField("layer"):
        return f"layer '{layer.layer.name}' ({layer.layer.type}){at}"
    return f"layer '{layer.name}' ({pb.V1LayerParameter.LayerType.Name(layer.type)}){at}"


def place_of(solver: pb.SolverParameter, field: str, index: int = 0) -> str:
    """ "solver.prototxt:3: " for a scalar field of the solver (a repeated one for the ``index``-th time), or "" where
    no text reader left its line."""
    place = solver.defined_at.get(_place_key(field, index))
    return f"{place}: " if place else ""


def note_place(solver: pb.SolverParameter, field: str, index: int, place: str) -> None:
    """Remember where the text reader met a field of the solver."""
    solver.defined_at[_place_key(field, index)] = place


def _place_key(field: str, index: int) -> str:
    return f"{field}[{index}]" if index else field


def file_prefix(layers: Iterable[pb.LayerParameter | pb.V1LayerParameter]) -> str:
    """ "lenet.prototxt: " when the layers know their file, else "". Begins what concerns a net as a whole."""
    for layer in layers:
        if layer.defined_at:
            return layer.defined_at.rpartition(":")[0] + ": "
    return ""
