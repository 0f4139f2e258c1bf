"""Weights into a net, layer by layer of the same name: what fits is copied, what does not is said."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import prod
from pathlib import Path

import numpy as np

from cafpy.backend import Backend
from cafpy.errors import WeightsError
from cafpy.layer import shape_text
from cafpy.net import Net
from cafpy.proto.describe import describe
from cafpy.snapshot.load_report import LoadReport
from cafpy.snapshot.weights import Weights, read_weights
from cafpy.wiring import Node


def load_weights(
    net: Net,
    source: str | Path | Weights,
    *,
    fine_tune: bool = False,
    strict: bool = False,
    name: str = "",
    elsewhere: Collection[str] = (),
) -> LoadReport:
    """Copy the parameters in ``source``, a file or what was read from one, into the layers of the same name.

    Nothing is copied unless all that have the same name fit. A parameter fits when its count agrees and its
    first axis does, leading ones apart: an InnerProduct's 4096×25088 becomes a Convolution's 4096×512×7×7, and blobs
    from before 2014, which all have four axes, fit. ``name`` is what texts call a source that is no file.

    With ``fine_tune`` a layer whose parameters do not fit keeps its own values, and the others are copied. With
    ``strict`` every layer must fit, none of the net may be missing and none of the source unused, but for those of
    other nets, which ``elsewhere`` names.

    Raises WeightsError when the file cannot be read or has no layer of these nets, or listing every layer that is not
    as it must be.
    """
    weights = source if isinstance(source, dict) else read_weights(source)
    report = LoadReport(name or ("weights" if isinstance(source, dict) else str(source)))
    owned = {(parameter.layer, parameter.index) for parameter in net.learnable}
    nodes = [node for node in net.nodes if node.layer.blobs]
    matches = [_Match(node, weights[node.param.name], owned) for node in nodes if node.param.name in weights]
    for match in matches:
        match.tell(report)
    not_there = [node.param.name for node in nodes if node.param.name not in weights]
    report.missing = [layer for layer in not_there if not strict or _owns(owned, layer)]
    report.unused = [layer for layer in weights if layer not in net.params and layer not in elsewhere]
    if strict and report.refusal():
        raise WeightsError(report.refusal())
    problems = [problem for match in matches for problem in match.problems(report.source)]
    if problems and not fine_tune:
        raise WeightsError("\n".join(problems))
    if report.missing and not matches and not any(layer in weights for layer in elsewhere):
        raise WeightsError(_nothing_in_common(report.missing, list(weights), report.source))
    for match in matches:
        if match.fits:
            match.copy(net.backend)
    return report


def _owns(owned: Collection[tuple[str, int]], layer: str) -> bool:
    """Whether the layer has a parameter that is not another's, shared by name."""
    return any(owner == layer for owner, _ in owned)


class _Match:
    """A layer and what a file has for it.

    ``owned`` are the parameters of the net by layer and index, each once: one that another layer shares its own with
    may be absent from the file.
    """

    def __init__(self, node: Node, arrays: Sequence[np.ndarray | None], owned: Collection[tuple[str, int]]):
        self.name: str = node.param.name
        self.where = describe(node.param)
        self.blobs = node.layer.blobs
        self.given = {i: array for i, array in enumerate(arrays) if array is not None}
        wanted = {i for i in range(len(self.blobs)) if i in self.given or (self.name, i) in owned}
        self.right_number = set(self.given) == wanted
        pairs = [(i, self.blobs[i].shape, array.shape) for i, array in self.given.items() if i in wanted]
        self.wrong = [i for i, ours, theirs in pairs if not _fits(ours, theirs)]
        self.other = [i for i, ours, theirs in pairs if ours != theirs]
        self.fits = self.right_number and not self.wrong

    def tell(self, report: LoadReport) -> None:
        """Note in the report what becomes of the layer."""
        if not self.right_number:
            report.different[self.name] = f"it has {_blobs(len(self.blobs))}, the file {len(self.given)}"
        elif self.wrong:
            report.different[self.name] = self._shapes(self.wrong)
        else:
            report.copied.append(self.name)
            if self.other:
                report.reshaped[self.name] = self._shapes(self.other)

    def problems(self, source: str) -> list[str]:
        """Why nothing is copied, with what to do."""
        anew = "To learn this layer anew instead of copying it, rename it in the net"
        if not self.right_number:
            said = f"has {_blobs(len(self.blobs))}, but {source} has {len(self.given)} for it"
            return [f"{self.where}: {said} (is bias_term the same in both?). {anew}"]
        return [
            f"{self.where}: parameter {i} has shape {_with_count(self.blobs[i].shape)}, but {source} has "
            f"{_with_count(self.given[i].shape)} for it. {anew}"
            for i in self.wrong
        ]

    def copy(self, backend: Backend) -> None:
        for i, array in self.given.items():
            backend.upload(self.blobs[i].data, array.reshape(self.blobs[i].shape))

    def _shapes(self, indices: Sequence[int]) -> str:
        return ", ".join(
            f"parameter {i} has shape {shape_text(self.blobs[i].shape)}, in the file {shape_text(self.given[i].shape)}"
            for i in indices
        )


def _nothing_in_common(wanted: list[str], came: list[str], source: str) -> str:
    return (
        f"{source} has weights for no layer of this net: the net's are {_some(wanted)}, the file's {_some(came)}. "
        "Layers are matched by name; is it the weight file of another net?"
    )


def _some(names: list[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "") or "none"


def _fits(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """The count agrees, and so does the first axis that is not 1: 500×800 is the same as 500×50×4×4, not as 800×500."""
    return prod(shape) == prod(other) and _without_leading_ones(shape)[:1] == _without_leading_ones(other)[:1]


def _without_leading_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    start = next((i for i, n in enumerate(shape) if n != 1), len(shape))
    return shape[start:]


def _with_count(shape: tuple[int, ...]) -> str:
    return f"{shape_text(shape)} ({prod(shape)})"


def _blobs(count: int) -> str:
    return f"{count} parameter blob{'' if count == 1 else 's'}"
