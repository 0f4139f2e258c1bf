"""A blob that several layers read gets a Split layer, where the gradients of its readers are added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from cafpy.passes.blob_readers import Top, trace_blobs
from cafpy.passes.check_blobs import CheckLayer, check_blobs
from cafpy.proto import cafpy_pb2 as pb


def insert_splits(
    param: pb.NetParameter, left_out: Mapping[str, str] | None = None, check_layer: CheckLayer | None = None
) -> pb.NetParameter:
    """The net with a Split layer behind every top that is used more than once, under the names that Caffe gives them.

    A loss weight is a use: top 0 of the Split carries it then, and the producing layer no longer does.
    Raises NetError as :func:`cafpy.passes.check_blobs.check_blobs` does, which also explains ``left_out`` and
    ``check_layer``.
    """
    check_blobs(param, left_out, check_layer)
    graph = trace_blobs(param)
    handed_out: Counter[Top] = Counter()
    layers: list[pb.LayerParameter] = []
    for i, layer in enumerate(param.layer):
        new = pb.LayerParameter()
        new.CopyFrom(layer)
        layers.append(new)
        for j in range(len(layer.bottom)):
            source = graph.source[i, j]
            if graph.uses(source) > 1:
                new.bottom[j] = _split_top(param, source, handed_out[source])
                handed_out[source] += 1
        for j in range(len(layer.top)):
            top = Top(i, j)
            if graph.uses(top) < 2:
                continue
            weight = graph.loss.get(top, 0.0)
            layers.append(_split(param, top, graph.uses(top), weight))
            if weight:
                # Not cleared as in Caffe: other tops keep their weights, and a loss layer is not given its default 1.
                new.loss_weight[j] = 0
                handed_out[top] = 1
    fields = {field.name: value for field, value in param.ListFields() if field.name != "layer"}
    return pb.NetParameter(**fields, layer=layers)


def _split(param: pb.NetParameter, top: Top, uses: int, loss_weight: float) -> pb.LayerParameter:
    producer = param.layer[top.layer]
    split = pb.LayerParameter(
        name=_split_name(param, top),
        type="Split",
        bottom=[producer.top[top.top]],
        top=[_split_top(param, top, k) for k in range(uses)],
    )
    if loss_weight:
        split.loss_weight.extend([loss_weight] + [0.0] * (uses - 1))
    if producer.defined_at:
        split.defined_at = producer.defined_at
    return split


def is_inserted(layer: pb.LayerParameter) -> bool:
    """Whether the layer is a Split that :func:`insert_splits` made."""
    if layer.type != "Split" or not layer.name.endswith("_split"):
        return False
    return layer.name.startswith(f"{layer.bottom[0]}_") and list(layer.top) == [
        f"{layer.name}_{k}" for k in range(len(layer.top))
    ]


def _split_name(param: pb.NetParameter, top: Top) -> str:
    """ "fc_relu_0_split": the blob, the layer that made it, which of that layer's tops it is."""
    producer = param.layer[top.layer]
    return f"{producer.top[top.top]}_{producer.name}_{top.top}_split"


def _split_top(param: pb.NetParameter, top: Top, use: int) -> str:
    return f"{_split_name(param, top)}_{use}"
