"""Net: layers wired by named blobs; build, forward, backward, share parameters."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from cafpy.backend import Array, Backend
from cafpy.blob import Blob
from cafpy.errors import CafpyError, NetError, did_you_mean
from cafpy.layer import Layer, describe
from cafpy.parameters import Parameter, collect_parameters
from cafpy.passes import prepare, prepare_in_state
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.binary import array_to_blob
from cafpy.registry import layer_class
from cafpy.wiring import (
    Node,
    check_counts,
    check_no_gradient_into_labels,
    loss_weights,
    needed_tops,
    plan_backward,
)


class Net:
    """A network built from a NetParameter for one phase.

    ``state`` is a NetState that is settled already (a solver's); it stands in for phase, level and stages.

    Attributes:
        name: the net's name.
        param: what was built: upgraded, filtered by state, splits inserted.
        nodes: the layers in order, each with its blobs' names and its part in backward.
        blobs: every blob by name, in the order of creation.
        params: the parameter blobs of each layer that has any, by layer name.
        learnable: each parameter once, as the solver updates it.
        inputs: tops of Input layers; outputs: blobs that no layer takes.
        seed: fixes the fillers and all random numbers of forward passes.

    Raises NetError or LayerError when it cannot be built; the text names the layer and its line.
    """

    def __init__(
        self,
        param: Any,
        phase: int = pb.TEST,
        level: int = 0,
        stages: Sequence[str] = (),
        backend: Backend | None = None,
        dtype: Any = np.float32,
        seed: int = 0,
        state: Any | None = None,
    ):
        self.param = prepare_in_state(param, state) if state else prepare(param, phase, level, stages)
        if not self.param.layer:
            raise NetError(f"the net '{param.name}' has no layer{_left_out(param)}")
        self.name: str = self.param.name
        self.phase: int = self.param.state.phase
        self.backend = backend or Backend()
        self.dtype = np.dtype(dtype)
        self.seed = seed
        self.nodes: list[Node] = []
        self.blobs: dict[str, Blob] = {}
        self.inputs: list[str] = []
        self._unused: dict[str, Node] = {}
        self._shapes: list[tuple[tuple[int, ...], ...]] = []
        try:
            for layer_param in self.param.layer:
                self._append(layer_param)
            plan_backward(self.nodes, self.param.force_backward)
            if self.phase == pb.TRAIN:
                check_no_gradient_into_labels(self.nodes)
            self.learnable: list[Parameter] = collect_parameters(self.nodes)
        except BaseException:
            self.close()
            raise
        self.outputs = list(self._unused)
        self.params: dict[str, list[Blob]] = {}
        for node in self.nodes:
            if node.layer.blobs:
                if node.param.name in self.params:
                    raise node.layer.error(
                        "another layer with parameters has this name; weight files tell them by name"
                    )
                self.params[node.param.name] = node.layer.blobs
        self._arena: tuple[Array, Array] | None = None

    # -- build -------------------------------------------------------------------------------------------------

    def _append(self, param: Any) -> None:
        if not param.HasField("phase"):
            param.phase = self.phase
        try:
            cls = layer_class(param.type)
        except NetError as error:
            raise NetError(f"{describe(param)}: {error}") from None
        seed = int(np.random.SeedSequence([self.seed, zlib.crc32(param.name.encode())]).generate_state(1, np.uint64)[0])
        layer = cls(param, self.backend, param.phase, self.dtype, seed)
        node = Node(layer, list(param.bottom), list(param.top))
        check_counts(layer)
        bottom = [self._take(node, name) for name in node.bottom]
        top = [self._give(node, i) for i in range(len(node.top))]
        for _ in range(needed_tops(layer) - len(top)):  # a loss whose top nobody names still has one
            name = f"(automatic {param.name} {len(top)})"
            node.top.append(name)
            top.append(self._new_blob(node, name))
        self.nodes.append(node)
        self._call(layer, layer.setup, bottom, top)
        self._call(layer, layer.reshape, bottom, top)
        layer.loss_weights = loss_weights(layer, len(top))
        self._shapes.append(tuple(blob.shape for blob in bottom))
        _put_loss_weights(layer, top)

    def _take(self, node: Node, name: str) -> Blob:
        if name not in self.blobs:
            raise node.layer.error(f"bottom '{name}' is made by no layer before it{did_you_mean(name, self.blobs)}")
        self._unused.pop(name, None)
        return self.blobs[name]

    def _give(self, node: Node, index: int) -> Blob:
        name = node.top[index]
        if index < len(node.bottom) and node.bottom[index] == name:
            if not node.layer.in_place:
                raise node.layer.error(f"cannot work in place: give it a top of another name than its bottom '{name}'")
            self._unused[name] = node
            return self.blobs[name]
        if name in self.blobs:
            maker = next(n for n in self.nodes if name in n.top)
            raise node.layer.error(
                f"top '{name}' is already made by {describe(maker.param)}; rename one, or make '{name}' its bottom too "
                "to work in place"
            )
        if node.param.type == "Input":
            self.inputs.append(name)
        return self._new_blob(node, name)

    def _new_blob(self, node: Node, name: str) -> Blob:
        self._unused[name] = node
        blob = self.blobs[name] = Blob(self.backend, (), self.dtype)
        return blob

    @staticmethod
    def _call(layer: Layer, method: Any, *args: Any) -> None:
        try:
            method(*args)
        except CafpyError as error:
            raise _blame(layer, error) from error

    # -- run ---------------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        return [node.layer for node in self.nodes]

    @property
    def layer_names(self) -> list[str]:
        return [node.param.name for node in self.nodes]

    def bottom_blobs(self, node: Node) -> list[Blob]:
        return [self.blobs[name] for name in node.bottom]

    def top_blobs(self, node: Node) -> list[Blob]:
        return [self.blobs[name] for name in node.top]

    def forward(self, first: int = 0, last: int | None = None) -> None:
        """Run the layers ``first`` to ``last`` (indices, both included; all by default)."""
        for i in range(first, len(self.nodes) if last is None else last + 1):
            node = self.nodes[i]
            bottom, top = self.bottom_blobs(node), self.top_blobs(node)
            try:
                shapes = tuple(blob.shape for blob in bottom)
                if shapes != self._shapes[i] or node.layer.reshape_always:
                    self._shapes[i] = shapes
                    node.layer.reshape(bottom, top)
                    _put_loss_weights(node.layer, top)
                node.layer.forward(bottom, top)
            except CafpyError as error:
                raise _blame(node.layer, error) from error

    def backward(self, first: int | None = None, last: int = 0) -> None:
        """Run backward from layer ``first`` down to layer ``last`` (indices, both included; all by default).

        Bottom gradients are overwritten, parameter gradients are added to: call :meth:`clear_param_diffs` between
        iterations.
        """
        for i in range(len(self.nodes) - 1 if first is None else first, last - 1, -1):
            node = self.nodes[i]
            if node.needs_backward:
                node.layer.backward(self.top_blobs(node), node.bottom_needs, self.bottom_blobs(node))

    def reshape(self) -> None:
        """Pass new input shapes through all layers without computing anything."""
        for i, node in enumerate(self.nodes):
            bottom, top = self.bottom_blobs(node), self.top_blobs(node)
            self._shapes[i] = tuple(blob.shape for blob in bottom)
            self._call(node.layer, node.layer.reshape, bottom, top)
            _put_loss_weights(node.layer, top)

    def loss(self) -> float:
        """The sum of all tops with a loss weight, each times its weight, of the last forward pass."""
        total = 0.0
        for node in self.nodes:
            for name, weight in zip(node.top, node.layer.loss_weights, strict=True):
                if weight:
                    total += weight * float(self.backend.to_host(self.blobs[name].data.sum()))
        return total

    def loss_weight(self, name: str) -> float:
        """The loss weight of the blob, 0 when it is none of the net's losses."""
        for node in self.nodes:
            if name in node.top:
                weight = node.layer.loss_weights[node.top.index(name)]
                if weight:
                    return weight
        return 0.0

    # -- parameters --------------------------------------------------------------------------------------------

    def arena(self) -> tuple[Array, Array]:
        """All parameters and all their gradients as two flat arrays, in the order of ``learnable``.

        The first call moves the parameters there; blobs (also those of nets that share them) stay views of it.
        """
        if self._arena is None:
            count = sum(p.blob.count for p in self.learnable)
            data, diff = self.backend.zeros(count, self.dtype), self.backend.zeros(count, self.dtype)
            start = 0
            for p in self.learnable:
                stop = start + p.blob.count
                p.blob.move_to(data[start:stop], diff[start:stop])
                start = stop
            self._arena = data, diff
        return self._arena

    def clear_param_diffs(self) -> None:
        """Set all parameter gradients to zero."""
        if self._arena is not None:
            self._arena[1][...] = 0
            return
        for p in self.learnable:
            p.blob.diff[...] = 0

    def share_trained_layers_with(self, other: Net) -> None:
        """Use ``other``'s parameters, layer by layer of the same name (a test net uses its train net's).

        Raises NetError when blobs of a layer differ in shape.
        """
        for name, blobs in self.params.items():
            theirs = other.params.get(name)
            if theirs is None:
                continue
            if [b.shape for b in blobs] != [b.shape for b in theirs]:
                raise NetError(
                    f"layer '{name}' has parameters of shapes {[b.shape for b in blobs]} in the one phase "
                    f"and {[b.shape for b in theirs]} in the other; the two must be the same layer"
                )
            for blob, source in zip(blobs, theirs, strict=True):
                blob.share_data(source)

    def to_proto(self, write_diff: bool = False) -> Any:
        """A NetParameter of the net as built, every layer with its parameters (and gradients), for a weight file."""
        out = pb.NetParameter(name=self.name)
        for node in self.nodes:
            layer = out.layer.add()
            layer.CopyFrom(node.param)
            layer.ClearField("blobs")
            layer.ClearField("defined_at")
            for blob in node.layer.blobs:
                diff = self.backend.to_host(blob.diff) if write_diff else None
                layer.blobs.append(array_to_blob(self.backend.to_host(blob.data), diff))
        return out

    def close(self) -> None:
        """Let go of the files and threads of data layers."""
        for node in self.nodes:
            node.layer.close()


def _put_loss_weights(layer: Layer, top: Sequence[Blob]) -> None:
    """A loss finds its weight where other layers find the gradient from above."""
    for blob, weight in zip(top, layer.loss_weights, strict=False):
        if weight:
            blob.diff[...] = weight


def _blame(layer: Layer, error: CafpyError) -> CafpyError:
    """The error with the layer in front, unless it names it already."""
    return error if str(error).startswith(layer.where) else type(error)(f"{layer.where}: {error}")


def _left_out(param: Any) -> str:
    count = len(param.layer) + len(param.layers)
    return f": its include and exclude rules leave out all {count}" if count else "; is this a net's prototxt?"
