"""Net: layers wired by named blobs; build, forward, backward, share parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cafpy.backend import Array, Backend, CpuBackend
from cafpy.blob import Blob
from cafpy.errors import CafpyError, NetError
from cafpy.fusion.plan import Plan
from cafpy.label_counts import hand_out_label_counts
from cafpy.layer import Layer
from cafpy.net_builder import blame, build_layers, call, put_loss_weights, unknown_type
from cafpy.parameters import Parameter, collect_parameters, parameters_by_layer
from cafpy.passes import prepare_in_state
from cafpy.passes.net_state import state_of_net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.binary import array_to_blob
from cafpy.shared_memory import share_gradients, share_values
from cafpy.wiring import Node, check_no_gradient_into_labels, plan_backward


class Net:
    """A network built from a NetParameter for one phase.

    ``state`` is a NetState that is settled already (a solver's); it stands in for phase, level and stages.
    ``fuse`` lets layers run as one where nothing that can be looked at changes (`cafpy.fusion`).
    ``share_memory`` lets blobs that are never needed together use the same memory (`cafpy.shared_memory`): in phase
    TEST their values, so that only inputs and outputs can be looked at after forward, in TRAIN their gradients.

    Attributes:
        name: the net's name.
        param: what was built: upgraded, filtered by state, splits inserted.
        nodes: the layers in order, each with its blobs' names and its part in backward.
        plan: the steps that run them: one layer each, or several that run as one.
        blobs: every blob by name, in the order of creation.
        params: the parameter blobs of each layer that has any, by layer name.
        learnable: each parameter once, as the solver updates it.
        inputs: tops of Input layers; outputs: named blobs that no layer takes, in alphabetical order.
        seed: fixes the fillers and all random numbers of forward passes.
        forward_only: values share memory, so there is no backward.

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
        share_memory: bool = False,
        fuse: bool = True,
    ):
        settled = state or state_of_net(param, phase, level, stages)
        self.param = prepare_in_state(param, settled, unknown_type)
        if not self.param.layer:
            raise NetError(f"the net '{param.name}' has no layer{_left_out(param)}")
        self.name: str = self.param.name
        self.phase: int = self.param.state.phase
        self.backend = backend or CpuBackend()
        self.dtype = np.dtype(dtype)
        self.seed = seed
        built = build_layers(self.param, self.phase, self.backend, self.dtype, seed)
        self.nodes: list[Node] = built.nodes
        self.blobs: dict[str, Blob] = built.blobs
        self.inputs: list[str] = built.inputs
        self.outputs: list[str] = sorted(built.unused)  # Caffe's order
        self._shapes = [_shapes(node.bottom_blobs) for node in self.nodes]
        self._arena: tuple[Array, Array] | None = None
        try:
            plan_backward(self.nodes, self.param.force_backward)
            if self.phase == pb.TRAIN:
                check_no_gradient_into_labels(self.nodes)
            self.params: dict[str, list[Blob]] = parameters_by_layer(self.nodes)
            self.learnable: list[Parameter] = collect_parameters(self.nodes)
            hand_out_label_counts(self.nodes)
            self.forward_only = share_memory and self.phase == pb.TEST and not self.param.force_backward
            self.plan = Plan(self.nodes, fuse, hidden=self.forward_only)
            if share_memory:
                self._share_memory()
        except BaseException:
            self.close()
            raise

    # -- run ---------------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        return [node.layer for node in self.nodes]

    @property
    def layer_names(self) -> list[str]:
        return [node.param.name for node in self.nodes]

    def forward(self, first: int = 0, last: int | None = None) -> None:
        """Run the layers ``first`` to ``last`` (indices, both included; all by default)."""
        for step in self.plan.between(first, len(self.nodes) - 1 if last is None else last):
            try:
                for i, node in enumerate(step.nodes, step.first):
                    self._reshape_if_needed(i, node)
                step.forward()
            except (CafpyError, MemoryError) as error:
                raise blame(step.layer_of(error), error) from error

    def _reshape_if_needed(self, index: int, node: Node) -> None:
        shapes = _shapes(node.bottom_blobs)
        if shapes != self._shapes[index] or node.layer.reshape_always:
            self._shapes[index] = shapes
            node.layer.reshape(node.bottom_blobs, node.top_blobs)
            put_loss_weights(node.layer, node.top_blobs)

    def backward(self, first: int | None = None, last: int = 0) -> None:
        """Run backward from layer ``first`` down to layer ``last`` (indices, both included; all by default).

        Bottom gradients are overwritten, parameter gradients are added to: call :meth:`clear_param_diffs` between
        iterations. Raises NetError in a net that was built to run forward only.
        """
        if self.forward_only:
            raise NetError(f"the net '{self.name}' shares memory in phase TEST, so what backward needs is gone")
        for step in reversed(self.plan.between(last, len(self.nodes) - 1 if first is None else first)):
            try:
                step.backward()
            except (CafpyError, MemoryError) as error:
                raise blame(step.layer_of(error), error) from error

    def reshape(self) -> None:
        """Pass new input shapes through all layers without computing anything."""
        for i, node in enumerate(self.nodes):
            self._shapes[i] = _shapes(node.bottom_blobs)
            call(node.layer, node.layer.reshape, node.bottom_blobs, node.top_blobs)
            put_loss_weights(node.layer, node.top_blobs)

    def loss(self) -> float:
        """The sum of all tops with a loss weight, each times its weight, of the last forward pass."""
        total = 0.0
        for node in self.nodes:
            for blob, weight in zip(node.top_blobs, node.layer.loss_weights, strict=True):
                if weight:
                    total += weight * float(self.backend.to_host(blob.data.sum()))
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

    def _share_memory(self) -> None:
        steps = self.plan.step_numbers()
        if self.forward_only:
            share_values(self.nodes, steps, [self.blobs[name] for name in (*self.inputs, *self.outputs)])
        else:
            for step in self.plan.steps:
                for blob, other in step.equal_gradients():
                    blob.share_diff(other)
            share_gradients(self.nodes, steps)

    def close(self) -> None:
        """Let go of the files and threads of data layers."""
        for node in self.nodes:
            node.layer.close()


def _shapes(blobs: Sequence[Blob]) -> list[tuple[int, ...]]:
    return [blob.shape for blob in blobs]


def _left_out(param: Any) -> str:
    count = len(param.layer) + len(param.layers)
    return f": its include and exclude rules leave out all {count}" if count else "; is this a net's prototxt?"
