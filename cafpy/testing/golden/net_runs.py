"""Recorded numbers of whole public nets, with weights and inputs that anyone can make again."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from cafpy.backend import Backend
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.testing.golden.material import read_material, with_inputs, without_fillers
from cafpy.testing.golden.outcome import Comparison, Outcome, run_case
from cafpy.wiring import Node

# The recorded gradients are in single precision. Where a maximum or a zero is nearly a tie, 22 layers make much of it:
# our own gradients of googlenet in single and in double precision differ by 3e-4 of the largest (conv1).
GRADIENT_TOLERANCE = 1e-3


def run_net_numbers(path: Path, backend: Backend) -> Iterator[Outcome]:
    """Fill the net, run it forward, and backward where there is a loss; compare statistics of all blobs."""

    def run(compare: Comparison) -> None:
        record = json.loads(path.read_text("utf-8"))
        param = without_fillers(_with_recorded_inputs(read_material(path, record["ref"]), record["inputs"]))
        with closing(Net(param, pb.Phase.Value(record["phase"]), backend=backend)) as net:
            _fill_parameters(net)
            for name, given in record["inputs"].items():
                backend.upload(net.blobs[name].data, _input(name, given["shape"], given["value"]))
            net.forward()
            backend.raise_pending()
            _compare_forward(net, record, compare)
            if "param_diff" in record:
                net.clear_param_diffs()
                net.backward()
                _compare_parameters("diff", net, record["param_diff"], compare)

    yield run_case("nets_run", path.stem, run)


def _with_recorded_inputs(param: Any, inputs: Mapping[str, Any]) -> Any:
    """Layers whose tops are all given become Input layers."""
    shapes = {
        i: [inputs[top]["shape"] for top in layer.top]
        for i, layer in enumerate(param.layer)
        if layer.top and not layer.bottom and all(top in inputs for top in layer.top)
    }
    return with_inputs(param, shapes)


def _input(blob: str, shape: list[int], how: str) -> np.ndarray:
    """The values of an input, made as the recording's text says."""
    rng = np.random.RandomState(zlib.crc32(f"input/{blob}".encode()))
    made, _, number = how.partition(" ")
    if made == "arange":
        return (np.arange(np.prod(shape)) % int(number.strip("% "))).reshape(shape).astype(np.float32)
    if made.endswith(".random_sample"):
        return rng.random_sample(shape).astype(np.float32)
    if made.endswith(".standard_normal"):
        return (rng.standard_normal(shape) * float(number.strip("* "))).astype(np.float32)
    raise ValueError(f"input '{blob}' is made in an unknown way: {how}")


def _fill_parameters(net: Net) -> None:
    """Give each parameter the values that its layer's name and index fix; a shared one those of its first owner."""
    done = set()
    for node in net.nodes:
        for i, blob in enumerate(node.layer.blobs):
            values = _parameter(node, i, blob.shape).astype(net.dtype)
            if id(blob._data) not in done:
                done.add(id(blob._data))
                net.backend.upload(blob.data, values)


def _parameter(node: Node, index: int, shape: tuple[int, ...]) -> np.ndarray:
    w = np.random.RandomState(zlib.crc32(f"{node.param.name}/{index}".encode())).standard_normal(shape)
    kind = node.param.type
    if kind == "BatchNorm":
        return (0.1 * w, np.abs(w) + 0.5, np.ones(shape))[index]
    if kind == "Scale" and index == 0:
        return 1 + 0.1 * w
    if kind == "PReLU":
        return 0.25 + 0.05 * w
    if w.ndim >= 2:
        return w * np.sqrt(2 * shape[0] / w.size)
    return 0.1 * w


def _compare_forward(net: Net, record: dict[str, Any], compare: Comparison) -> None:
    split = {name for node in net.nodes if node.param.type == "Split" for name in node.top}
    compare.equal("blob names", [name for name in net.blobs if name not in split], list(record["blob"]))
    for name, recorded in record["blob"].items():
        if name in net.blobs:
            _compare_statistics(f"blob '{name}'", net.backend.to_host(net.blobs[name].data), recorded, compare)
    for name, loss in record["loss"].items():
        compare.array(f"loss '{name}'", net.backend.to_host(net.blobs[name].data).reshape(()), loss)
    _compare_parameters("data", net, record.get("param_after_forward", {}), compare)


def _compare_parameters(side: str, net: Net, recorded: Mapping[str, Any], compare: Comparison) -> None:
    for layer, blobs in recorded.items():
        for i, (blob, facts) in enumerate(zip(net.params[layer], blobs, strict=True)):
            values = net.backend.to_host(getattr(blob, side))
            tolerance = GRADIENT_TOLERANCE if side == "diff" else None
            _compare_statistics(f"parameter {side} '{layer}' {i}", values, facts, compare, tolerance)


def _compare_statistics(
    what: str, values: np.ndarray, recorded: dict[str, Any], compare: Comparison, tolerance: float | None = None
) -> None:
    """Mean, deviation and single values, all on the scale of the blob's own size."""
    compare.equal(f"count of {what}", values.size, recorded["n"])
    if values.size != recorded["n"]:
        return
    flat = np.asarray(values, np.float64).ravel()
    ours = [flat.mean(), flat.std(), *(flat[at] for at, _ in recorded["at"])]
    theirs = [recorded["mean"], recorded["std"], *(value for _, value in recorded["at"])]
    # the blob's largest value, but no larger than the recorded statistics make likely
    magnitude = min(np.abs(flat).max(), abs(recorded["mean"]) + 8 * recorded["std"])
    compare.array(what, ours, theirs, tolerance, magnitude)
