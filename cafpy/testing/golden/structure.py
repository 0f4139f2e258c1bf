"""What a net is made of, as the recordings tell it: layers, blobs, shapes, who needs backward."""

from __future__ import annotations

from typing import Any

import numpy as np

from cafpy.backend import Backend
from cafpy.errors import CafpyError
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.testing.golden.outcome import Comparison
from cafpy.wiring import Node


class ShapesOnly(Backend):
    """Arrays of any shape that all lie in one number: for building large nets without their memory."""

    name = "shapes only"

    def zeros(self, shape: int | tuple[int, ...], dtype: Any) -> np.ndarray:
        shape = (shape,) if isinstance(shape, int) else shape
        return np.lib.stride_tricks.as_strided(np.zeros(1, dtype), shape, (0,) * len(shape))

    def upload(self, target: np.ndarray, host: np.ndarray) -> None:
        """Nothing to copy to."""


def build_like(recorded: dict[str, Any], param: Any, phase: str, level: int, stages: list[str]) -> Net | None:
    """The net in this state, or None where the recording has an error and cafpy has one too."""
    try:
        return Net(param, pb.Phase.Value(phase), level, stages, ShapesOnly())
    except CafpyError:
        if "error" in recorded:
            return None
        raise


def compare_structure(net: Net | None, recorded: dict[str, Any], compare: Comparison) -> None:
    """Compare everything that the recording says about a net; ``net`` is None when it could not be built."""
    if net is None:
        return
    if "error" in recorded:
        compare.problems.append(f"was built, recorded is the error {recorded['error']}")
        return
    layers = [layer_facts(node) for node in net.nodes]
    compare.equal("layer names", [layer["name"] for layer in layers], [layer["name"] for layer in recorded["layer"]])
    for facts, wanted in zip(layers, recorded["layer"], strict=False):
        for key in sorted(facts.keys() | wanted.keys()):
            compare.equal(f"{key} of layer '{wanted['name']}'", facts.get(key), wanted.get(key))
    blobs = [[_name(name), list(blob.shape)] for name, blob in net.blobs.items()]
    compare.equal("blob names", [name for name, _ in blobs], [name for name, _ in recorded["blob"]])
    for (name, shape), (_, wanted_shape) in zip(blobs, recorded["blob"], strict=False):
        compare.equal(f"shape of blob '{name}'", shape, wanted_shape)
    compare.equal("inputs", net.inputs, recorded["input"])
    compare.equal("outputs", net.outputs, recorded["output"])
    compare.equal("number of parameters", sum(b.count for n in net.nodes for b in n.layer.blobs), recorded["n_param"])
    if "data_bytes" in recorded:
        data_bytes = sum(4 * net.blobs[name].count for node in net.nodes for name in node.top)
        compare.equal("bytes of all tops", data_bytes, recorded["data_bytes"])


def layer_facts(node: Node) -> dict[str, Any]:
    """One entry of a recording's ``layer`` list."""
    facts: dict[str, Any] = {
        "name": node.param.name,
        "type": node.param.type,
        "bottom": node.bottom,
        "top": [_name(name) for name in node.top],
        "backward": node.needs_backward,
    }
    if node.layer.blobs:
        facts["param"] = [list(blob.shape) for blob in node.layer.blobs]
    if any(node.layer.loss_weights):
        facts["loss_weight"] = node.layer.loss_weights
    return facts


def _name(blob: str) -> str:
    """Caffe calls every top that the net does not name "(automatic)"."""
    return "(automatic)" if blob.startswith("(automatic") else blob
