"""Weights into a net, layer by layer of the same name: what fits is copied, what does not is said."""

from __future__ import annotations

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
        missing: layers of the net with parameters that it does not have; they keep theirs.
        unused: layers of the file that the net does not have.
    """

    source: str
    copied: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        text = f"{self.source}: {len(self.copied)} of {len(self.copied) + len(self.missing)} layers with weights copied"
        if self.missing:
            text += f"; not in the file, so left as they were: {', '.join(self.missing)}"
        if self.unused:
            text += f"; in the file but not in the net: {', '.join(self.unused)}"
        return text


def load_weights(net: Net, source: str | Path | Weights) -> LoadReport:
    """Copy the parameters in ``source``, a file or what was read from one, into the layers of the same name.

    Nothing is copied unless all that have the same name fit. Leading axes of 1 do not count, so blobs from before
    2014, which all have four axes, fit.

    Raises WeightsError when the file cannot be read or has no layer of the net's, or listing every layer whose
    parameters do not fit.
    """
    weights = source if isinstance(source, dict) else read_weights(source)
    report = LoadReport("weights" if isinstance(source, dict) else str(source))
    owned = {(parameter.layer, parameter.index) for parameter in net.learnable}
    problems: list[str] = []
    copies: list[tuple[Blob, np.ndarray]] = []
    for node in net.nodes:
        name, blobs = node.param.name, node.layer.blobs
        if not blobs:
            continue
        if name not in weights:
            report.missing.append(name)
            continue
        report.copied.append(name)
        given = {i: array for i, array in enumerate(weights[name]) if array is not None}
        wanted = {i for i in range(len(blobs)) if i in given or (name, i) in owned}
        if set(given) != wanted:
            problems.append(_wrong_number(describe(node.param), len(blobs), len(given), report.source))
            continue
        for i, array in given.items():
            if _fits(blobs[i].shape, array.shape):
                copies.append((blobs[i], array.reshape(blobs[i].shape)))
            else:
                problems.append(_wrong_shape(describe(node.param), i, blobs[i].shape, array.shape, report.source))
    if problems:
        raise WeightsError("\n".join(problems))
    if report.missing and not report.copied:
        raise WeightsError(_nothing_in_common(report.missing, list(weights), report.source))
    for blob, array in copies:
        net.backend.upload(blob.data, array)
    report.unused = [name for name in weights if name not in net.params]
    return report


def _nothing_in_common(wanted: list[str], came: list[str], source: str) -> str:
    return (
        f"{source} has weights for no layer of this net: the net's are {_some(wanted)}, the file's {_some(came)}. "
        "Layers are matched by name; is it the weight file of another net?"
    )


def _some(names: list[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "") or "none"


def _fits(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return _without_leading_ones(shape) == _without_leading_ones(other) and prod(shape) == prod(other)


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
    blobs = f"{wanted} parameter blob{'' if wanted == 1 else 's'}"
    return (
        f"{where}: has {blobs}, but {source} has {came} for it (is bias_term the same in both?). "
        "To learn this layer anew instead of copying it, rename it in the net"
    )
