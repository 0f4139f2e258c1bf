"""V0's padding layers become the `pad` of the convolution or pooling layers they feed."""

from __future__ import annotations

from cafpy.errors import NetError
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.describe import describe


def fold_padding(param: pb.NetParameter) -> pb.NetParameter:
    """A copy of a V0 net without padding layers: who read one reads its bottom now, and pads by itself.

    Raises NetError naming every padding layer that cannot be folded: one that does not have exactly one bottom and
    one top, or whose reader is no convolution or pooling layer with a single bottom.
    """
    folded = pb.NetParameter()
    folded.CopyFrom(param)
    del folded.layers[:]
    problems: list[str] = []
    producer: dict[str, pb.V1LayerParameter] = {}
    for layer in param.layers:
        new = pb.V1LayerParameter()
        new.CopyFrom(layer)
        for i, bottom in enumerate(layer.bottom):
            source = producer.get(bottom)
            if source is None or source.layer.type != "padding":
                continue
            problem = _problem(source, layer)
            if problem:
                problems.append(problem)
                continue
            new.layer.pad = source.layer.pad
            new.bottom[i] = source.bottom[0]
        if layer.layer.type != "padding":
            folded.layers.append(new)
        producer.update(dict.fromkeys(layer.top, layer))
    if problems:
        raise NetError("\n".join(problems))
    return folded


def _problem(padding: pb.V1LayerParameter, reader: pb.V1LayerParameter) -> str:
    if len(padding.bottom) != 1 or len(padding.top) != 1:
        return (
            f"{describe(padding)}: a padding layer has one bottom and one top; "
            f"this one has {len(padding.bottom)} and {len(padding.top)}"
        )
    if reader.layer.type not in {"conv", "pool"} or len(reader.bottom) != 1:
        return (
            f"{describe(reader)}: reads {describe(padding)}, but only a conv or pool layer with this one bottom can "
            f"take the padding over; it has type '{reader.layer.type}' and {len(reader.bottom)} bottom(s)"
        )
    return ""
