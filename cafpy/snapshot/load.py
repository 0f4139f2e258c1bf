"""Weights into a net, layer by layer of the same name: what fits is copied, what does not is said."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np

from cafpy.blob import Blob
from cafpy.errors import WeightsError
from cafpy.layer import shape_text
from cafpy.net import Net
from cafpy.proto.describe import describe
from cafpy.snapshot.weights import Weights, read_weights


@dataclass
class LoadReport:
    """What became of a weight file.

    Attributes:
        source: the file.
        copied: layers whose parameters came from it.
        reshaped: those of them whose parameters have another shape in it, with both; the count agrees.
        different: layers whose parameters in it have another shape or number, with both; they keep their own values.
        missing: layers of the net with parameters that it does not have; they keep theirs.
        unused: layers of the file that the net does not have.
    """

    source: str
    copied: list[str] = field(default_factory=list)
    reshaped: dict[str, str] = field(default_factory=dict)
    different: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        count = len(self.copied) + len(self.different) + len(self.missing)
        text = f"{self.source}: {len(self.copied)} of {count} layers with weights copied"
        if self.different:
            text += f"; of another shape, so learned anew: {', '.join(self.different)}"
        if self.missing:
            text += f"; not in the file, so left as they were: {', '.join(self.missing)}"
        if self.unused:
            text += f"; in the file but not in the net: {', '.join(self.unused)}"
        return text

    def table(self) -> list[str]:
        """A line for each layer of the net or the file: its name, and what became of it."""
        rows = [
            (name, f"reshaped, as the count agrees: {self.reshaped[name]}" if name in self.reshaped else "copied")
            for name in self.copied
        ]
        rows += self._not_copied()
        width = max((len(name) for name, _ in rows), default=0)
        return [f"{name:<{width}}  {what}" for name, what in rows]

    def refusal(self) -> str:
        """Why a strict loading is refused; "" when every layer was copied and no layer of the file is left."""
        rows = [f"layer '{name}': {what}" for name, what in self._not_copied()]
        return (
            "\n".join([f"{self.source} does not fit the net in all layers, as --strict wants it:", *rows])
            if rows
            else ""
        )

    def _not_copied(self) -> list[tuple[str, str]]:
        return [
            *((name, f"re-initialised: {what}") for name, what in self.different.items()),
            *((name, "not in the file") for name in self.missing),
            *((name, "unused: only in the file") for name in self.unused),
        ]


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
    problems: list[str] = []
    copies: list[tuple[Blob, np.ndarray]] = []
    for node in net.nodes:
        layer, blobs = node.param.name, node.layer.blobs
        if not blobs:
            continue
        if layer not in weights:
            if any((layer, i) in owned for i in range(len(blobs))) or not strict:
                report.missing.append(layer)
            continue
        given = {i: array for i, array in enumerate(weights[layer]) if array is not None}
        wanted = {i for i in range(len(blobs)) if i in given or (layer, i) in owned}
        wrong = [i for i, array in given.items() if i in wanted and not _fits(blobs[i].shape, array.shape)]
        if set(given) != wanted:
            problems.append(_wrong_number(describe(node.param), len(blobs), len(given), report.source))
            report.different[layer] = f"it has {_blobs(len(blobs))}, the file {len(given)}"
        elif wrong:
            for i in wrong:
                came = given[i].shape
                problems.append(_wrong_shape(describe(node.param), i, blobs[i].shape, came, report.source))
            report.different[layer] = _both_shapes(blobs, given, wrong)
        else:
            report.copied.append(layer)
            other = [i for i, array in given.items() if blobs[i].shape != array.shape]
            if other:
                report.reshaped[layer] = _both_shapes(blobs, given, other)
            copies += [(blobs[i], array.reshape(blobs[i].shape)) for i, array in given.items()]
    report.unused = [layer for layer in weights if layer not in net.params and layer not in elsewhere]
    if strict and report.refusal():
        raise WeightsError(report.refusal())
    if problems and not fine_tune:
        raise WeightsError("\n".join(problems))
    if (
        report.missing
        and not report.copied
        and not report.different
        and not any(layer in weights for layer in elsewhere)
    ):
        raise WeightsError(_nothing_in_common(report.missing, list(weights), report.source))
    for blob, array in copies:
        net.backend.upload(blob.data, array)
    return report


def _nothing_in_common(wanted: list[str], came: list[str], source: str) -> str:
    return (
        f"{source} has weights for no layer of this net: the net's are {_some(wanted)}, the file's {_some(came)}. "
        "Layers are matched by name; is it the weight file of another net?"
    )


def _some(names: list[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "") or "none"


def _both_shapes(blobs: Sequence[Blob], given: dict[int, np.ndarray], indices: list[int]) -> str:
    return ", ".join(
        f"parameter {i} has shape {shape_text(blobs[i].shape)}, in the file {shape_text(given[i].shape)}"
        for i in indices
    )


def _fits(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """The count agrees, and so does the first axis that is not 1: 500×800 is the same as 500×50×4×4, not as 800×500."""
    return prod(shape) == prod(other) and _without_leading_ones(shape)[:1] == _without_leading_ones(other)[:1]


def _without_leading_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    start = next((i for i, n in enumerate(shape) if n != 1), len(shape))
    return shape[start:]


def _wrong_shape(where: str, index: int, wanted: tuple[int, ...], came: tuple[int, ...], source: str) -> str:
    return (
        f"{where}: parameter {index} has shape {shape_text(wanted)} ({prod(wanted)}), "
        f"but {source} has {shape_text(came)} ({prod(came)}) for it. "
        "To learn this layer anew instead of copying it, rename it in the net"
    )


def _wrong_number(where: str, wanted: int, came: int, source: str) -> str:
    return (
        f"{where}: has {_blobs(wanted)}, but {source} has {came} for it (is bias_term the same in both?). "
        "To learn this layer anew instead of copying it, rename it in the net"
    )


def _blobs(count: int) -> str:
    return f"{count} parameter blob{'' if count == 1 else 's'}"
