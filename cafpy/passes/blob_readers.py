"""Who makes a blob and who reads it, when in-place layers make several blobs of one name one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from cafpy.proto import cafpy_pb2 as pb


class Top(NamedTuple):
    """The ``top``-th top of the ``layer``-th layer: one definite blob, which a name alone is not."""

    layer: int
    top: int


@dataclass
class BlobReaders:
    """The edges of a net. ``source[layer, bottom]`` is the top which that bottom reads (missing: there is none before
    it); ``readers[top]`` are the layers that read it, once for each bottom; a loss weight counts as ``loss[top]``."""

    source: dict[tuple[int, int], Top] = field(default_factory=dict)
    readers: dict[Top, list[int]] = field(default_factory=dict)
    loss: dict[Top, float] = field(default_factory=dict)

    def uses(self, top: Top) -> int:
        """How often the blob is used; its own loss weight, unless 0, is a use."""
        return len(self.readers[top]) + (top in self.loss)


def trace_blobs(param: pb.NetParameter) -> BlobReaders:
    """Follow every bottom to the last layer before it that has a top of its name."""
    graph = BlobReaders()
    last: dict[str, Top] = {}
    for i, layer in enumerate(param.layer):
        for j, name in enumerate(layer.bottom):
            if name in last:
                graph.source[i, j] = last[name]
                graph.readers[last[name]].append(i)
        for j, name in enumerate(layer.top):
            top = last[name] = Top(i, j)
            graph.readers[top] = []
            if j < len(layer.loss_weight) and layer.loss_weight[j]:
                graph.loss[top] = layer.loss_weight[j]
    return graph


def is_in_place(layer: pb.LayerParameter, top: int) -> bool:
    """Whether the layer writes this top over its bottom of the same index."""
    return top < len(layer.bottom) and layer.bottom[top] == layer.top[top]
