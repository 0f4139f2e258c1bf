"""From a prepared NetParameter to layers that are set up, one after the other, each seeing its bottoms' shapes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cafpy.backend import Backend
from cafpy.blob import Blob
from cafpy.errors import CafpyError, NetError, did_you_mean
from cafpy.layer import Layer
from cafpy.passes.insert_splits import is_inserted
from cafpy.proto.describe import describe
from cafpy.registry import layer_class
from cafpy.wiring import Node, check_counts, loss_weights, needed_tops


class BuiltLayers:
    """What :func:`build_layers` has built so far.

    Attributes:
        nodes: the layers in order.
        blobs: every blob by name, in the order of creation.
        inputs: tops of Input layers.
        unused: named blobs that no layer has taken yet: in the end the net's outputs.
        written: for each top of a split that was inserted, the blob's name in the net file.
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.blobs: dict[str, Blob] = {}
        self.inputs: list[str] = []
        self.unused: dict[str, None] = {}
        self.written: dict[str, str] = {}


def build_layers(param: Any, phase: int, backend: Backend, dtype: np.dtype, seed: int) -> BuiltLayers:
    """Set up and shape every layer of ``param``. Raises NetError or LayerError; files opened so far are closed then."""
    built = BuiltLayers()
    try:
        for layer_param in param.layer:
            if not layer_param.HasField("phase"):
                layer_param.phase = phase
            _append(built, _new_layer(layer_param, backend, dtype, seed))
    except BaseException:
        for node in built.nodes:
            node.layer.close()
        raise
    return built


def unknown_type(param: Any) -> str | None:
    """What is wrong with the layer's type, or None."""
    try:
        layer_class(param.type)
    except NetError as error:
        return str(error)
    return None


def _new_layer(param: Any, backend: Backend, dtype: np.dtype, seed: int) -> Layer:
    cls = layer_class(param.type)
    # by name, so that a layer draws the same numbers whatever else the net holds
    words = np.random.SeedSequence([seed, zlib.crc32(param.name.encode())]).generate_state(1, np.uint64)
    return cls(param, backend, param.phase, dtype, int(words[0]))


def _append(built: BuiltLayers, layer: Layer) -> None:
    node = Node(layer, list(layer.param.bottom), list(layer.param.top))
    layer.bottom_names = [built.written.get(name, name) for name in node.bottom]
    check_counts(layer)
    bottom = node.bottom_blobs = [_take(built, node, name) for name in node.bottom]
    top = node.top_blobs = [_give(built, node, index) for index in range(len(node.top))]
    for index in range(len(top), needed_tops(layer)):  # a loss whose top nobody names still has one
        node.top.append(f"(automatic top {index} of {layer.param.name})")
        top.append(_new_blob(built, layer, node.top[-1]))
        del built.unused[node.top[-1]]  # as Caffe's, it is no output: nobody could ask for it by name
    built.nodes.append(node)
    if is_inserted(layer.param):
        built.written |= dict.fromkeys(node.top, layer.bottom_names[0])
    call(layer, layer.setup, bottom, top)
    call(layer, layer.reshape, bottom, top)
    layer.loss_weights = loss_weights(layer, len(top))
    put_loss_weights(layer, top)


def _take(built: BuiltLayers, node: Node, name: str) -> Blob:
    if name not in built.blobs:
        raise node.layer.error(f"bottom '{name}' is made by no layer before it{did_you_mean(name, built.blobs)}")
    built.unused.pop(name, None)
    return built.blobs[name]


def _give(built: BuiltLayers, node: Node, index: int) -> Blob:
    name = node.top[index]
    if index < len(node.bottom) and node.bottom[index] == name:
        if not node.layer.in_place:
            raise node.layer.error(f"cannot work in place: give it a top of another name than its bottom '{name}'")
        built.unused[name] = None
        return built.blobs[name]
    if name in built.blobs:
        maker = next(other for other in built.nodes if name in other.top)
        raise node.layer.error(
            f"top '{name}' is already made by {describe(maker.param)}; rename one, or make '{name}' its bottom too "
            "to work in place"
        )
    if node.param.type == "Input":
        built.inputs.append(name)
    return _new_blob(built, node.layer, name)


def _new_blob(built: BuiltLayers, layer: Layer, name: str) -> Blob:
    built.unused[name] = None
    blob = built.blobs[name] = Blob(layer.backend, (), layer.dtype)
    return blob


def put_loss_weights(layer: Layer, top: Sequence[Blob]) -> None:
    """A loss finds its weight where other layers find the gradient from above."""
    for blob, weight in zip(top, layer.loss_weights, strict=False):
        if weight:
            blob.diff[...] = weight


def call(layer: Layer, method: Callable[..., None], *args: Any) -> None:
    """Call a method of the layer; what goes wrong in it names the layer."""
    try:
        method(*args)
    except (CafpyError, MemoryError) as error:
        raise blame(layer, error) from error


def blame(layer: Layer, error: CafpyError | MemoryError) -> CafpyError:
    """The error with the layer in front, unless it names it already."""
    if isinstance(error, MemoryError):
        return layer.error(f"not enough memory ({error}); lower batch_size or what else sets the size of its blobs")
    return error if str(error).startswith(layer.where) else type(error)(f"{layer.where}: {error}")
