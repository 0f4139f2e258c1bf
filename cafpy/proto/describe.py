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


def file_prefix(layers: Iterable[pb.LayerParameter | pb.V1LayerParameter]) -> str:
    """ "lenet.prototxt: " when the layers know their file, else "". Begins what concerns a net as a whole."""
    for layer in layers:
        if layer.defined_at:
            return layer.defined_at.rpartition(":")[0] + ": "
    return ""
