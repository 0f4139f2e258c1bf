"""Blobs that are never needed together live in the same memory.

A blob is alive from the first layer that makes it to the last that takes it; backward, its gradient is alive between
the same two, in the other direction. Memory is given out largest first, each piece to the first place that is free all
that time ("greedy by size", Pisarchyk and Lee, https://arxiv.org/abs/2001.03288).

In a net that only runs forward the values share memory; in one that also runs backward, which needs them all, the
gradients do. What nobody fills anew at each pass keeps memory of its own: the net's inputs and outputs, constants, loss
weights, gradients that stay zero. So do parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from cafpy.blob import Blob
from cafpy.wiring import Node


@dataclass
class Piece:
    """Blobs that use one memory already (a Reshape's two sides, say), and when they are alive, by step of the net."""

    first: int
    last: int
    blobs: dict[int, Blob] = field(default_factory=dict)  # by id
    own: bool = False  # keeps memory of its own

    @property
    def count(self) -> int:
        return max(blob.count for blob in self.blobs.values())


def share_values(nodes: Sequence[Node], steps: Sequence[int], keep: Iterable[Blob]) -> None:
    """Let values share memory in a net that only runs forward; those of ``keep`` have their own.

    ``steps`` tells for each node in which step it runs: nodes that run as one are alive together.
    """
    pieces = _pieces(nodes, steps, Blob.data_memory)
    kept = {id(blob) for blob in keep}
    for node in nodes:
        if not node.bottom:
            kept.update(id(blob) for blob in node.top_blobs)  # filled from outside, or once for all
    for piece in pieces:
        piece.own = not kept.isdisjoint(piece.blobs)
    _share(pieces, Blob.share_data)


def share_gradients(nodes: Sequence[Node], steps: Sequence[int]) -> None:
    """Let gradients of blobs share memory, in a net that also runs backward; ``steps`` as for :func:`share_values`."""
    pieces = _pieces(nodes, steps, Blob.diff_memory)
    written = {}
    for node in nodes:
        for blob, needed in zip(node.bottom_blobs, node.bottom_needs, strict=True):
            written[id(blob)] = needed  # the last layer that takes it is the first one to fill its gradient
    for node in nodes:
        for blob, weight in zip(node.top_blobs, node.layer.loss_weights, strict=True):
            if weight:
                written[id(blob)] = False  # filled once, with the loss weight
    for piece in pieces:
        piece.own = not all(written.get(blob, False) for blob in piece.blobs)
    _share(pieces, Blob.share_diff)


def _pieces(nodes: Sequence[Node], steps: Sequence[int], memory: Callable[[Blob], int]) -> list[Piece]:
    pieces: dict[int, Piece] = {}
    for node, step in zip(nodes, steps, strict=True):
        for blob in (*node.bottom_blobs, *node.top_blobs):
            piece = pieces.setdefault(memory(blob), Piece(step, step))
            piece.last = step
            piece.blobs[id(blob)] = blob
    return list(pieces.values())


def _share(pieces: Iterable[Piece], share: Callable[[Blob, Blob], None]) -> None:
    places: list[list[Piece]] = []
    for piece in sorted((piece for piece in pieces if not piece.own), key=lambda piece: -piece.count):
        for place in places:
            if all(piece.first > other.last or piece.last < other.first for other in place):
                place.append(piece)
                break
        else:
            places.append([piece])
    for place in places:
        owner = next(iter(place[0].blobs.values()))
        for piece in place:
            for blob in piece.blobs.values():
                if blob is not owner:
                    share(blob, owner)
