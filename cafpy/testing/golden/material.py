"""Public nets as the recordings use them: the file a recording refers to, its data layers replaced by inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cafpy.errors import DataError
from cafpy.passes.upgrade import upgrade_net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import read_net

Shapes = Sequence[Sequence[int]]


def read_material(recording: Path, ref: Mapping[str, Any]) -> Any:
    """The upgraded NetParameter that ``ref`` names, looked for from the recording's folder upwards.

    Raises DataError when it is not there.
    """
    for folder in recording.resolve().parents:
        if (folder / ref["material"]).is_file():
            return upgrade_net(read_net(folder / ref["material"]))[0]
    raise DataError(f"{recording.name}: {ref['material']} is not in any folder above it")


def with_inputs(param: Any, shapes: Mapping[int, Shapes]) -> Any:
    """The net with the layers at these indices replaced by Input layers of these top shapes."""
    net = pb.NetParameter()
    net.CopyFrom(param)
    for index, tops in shapes.items():
        old = net.layer[index]
        new = pb.LayerParameter(name=old.name, type="Input", top=old.top, include=old.include, exclude=old.exclude)
        for shape in tops:
            new.input_param.shape.add().dim.extend(shape)
        old.CopyFrom(new)
    return net


def without_fillers(param: Any) -> Any:
    """The net with every filler at its default, a constant: drawing a large net's weights takes seconds."""
    net = pb.NetParameter()
    net.CopyFrom(param)
    for layer in net.layer:
        _clear_fillers(layer)
    return net


def _clear_fillers(message: Any) -> None:
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.name == "FillerParameter":
            message.ClearField(field.name)
        elif hasattr(value, "ListFields"):
            _clear_fillers(value)
