"""Whether every bottom has a source and every top a name of its own; all that is wrong is said at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cafpy.errors import NetError, did_you_mean
from cafpy.passes.blob_readers import BlobReaders, Top, is_in_place, trace_blobs
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.describe import describe

CheckLayer = Callable[[pb.LayerParameter], str | None]  # what else is wrong with a layer, on its own


def check_blobs(
    param: pb.NetParameter, left_out: Mapping[str, str] | None = None, check_layer: CheckLayer | None = None
) -> None:
    """Raise NetError, a line for each problem, unless the layers of a filtered net can be wired.

    ``left_out`` tells of blobs that the net lost on its way here: name -> a clause that says how
    (:func:`cafpy.passes.filter_by_state.blobs_left_out`). What ``check_layer`` says of a layer is told with the rest.
    """
    graph = trace_blobs(param)
    producer: dict[str, int] = {}
    problems: list[str] = []
    for i, layer in enumerate(param.layer):
        said = check_layer(layer) if check_layer else None
        if said:
            problems.append(f"{describe(layer)}: {said}")
        for j, name in enumerate(layer.bottom):
            if (i, j) not in graph.source:
                why = _why_missing(param, i, name, left_out or {}) or did_you_mean(name, producer)
                problems.append(f"{describe(layer)}: bottom '{name}' is produced by no layer before it{why}")
        for j, name in enumerate(layer.top):
            if is_in_place(layer, j):
                problems += _other_uses(param, graph, i, j)
            elif name in producer:
                other = "this layer" if producer[name] == i else describe(param.layer[producer[name]])
                problems.append(
                    f"{describe(layer)}: top '{name}' is already produced by {other}; rename one of the two, "
                    "or give each an include rule if a net never holds both"
                )
            producer.setdefault(name, i)
    if problems:
        raise NetError("\n".join(problems))


def _why_missing(param: pb.NetParameter, reader: int, name: str, left_out: Mapping[str, str]) -> str:
    for layer in param.layer[reader + 1 :]:
        if name in layer.top and name not in layer.bottom:
            return f"; it is made later, by {describe(layer)}: move that layer up"
    return f"; {left_out[name]}" if name in left_out else ""


def _other_uses(param: pb.NetParameter, graph: BlobReaders, i: int, j: int) -> Iterator[str]:
    """An in-place layer destroys the blob that it reads, so it must be the only one to use that blob."""
    layer, name = param.layer[i], param.layer[i].top[j]
    source: Top | None = graph.source.get((i, j))
    if source is None or graph.uses(source) == 1:
        return
    others = [describe(param.layer[k]) for k in graph.readers[source] if k != i]
    if source in graph.loss:
        others.append(f"the loss_weight of {describe(param.layer[source.layer])}")
    who = " and ".join(dict.fromkeys(others)) or "another bottom of the same layer"
    yield (
        f"{describe(layer)}: works in place on '{name}', but {who} also uses '{name}' as it was before; "
        "give this layer a top with a name of its own"
    )
