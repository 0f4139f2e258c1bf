"""Bring a net of any age to today's format: V0 and V1 layers, old data fields, `input:` fields, BatchNorm's params."""

from __future__ import annotations

from cafpy.errors import NetError
from cafpy.passes.upgrade_batch_norm import upgrade_batch_norm
from cafpy.passes.upgrade_data_transform import upgrade_data_transform
from cafpy.passes.upgrade_input import upgrade_input
from cafpy.passes.upgrade_v0 import upgrade_v0
from cafpy.passes.upgrade_v1 import upgrade_v1
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.describe import describe, file_prefix

# Caffe's order: the data fields must move while the layers are still V1, for in today's layers Caffe ignores them.
STEPS = (upgrade_v0, upgrade_data_transform, upgrade_v1, upgrade_input, upgrade_batch_norm)


def upgrade_net(param: pb.NetParameter) -> tuple[pb.NetParameter, list[str]]:
    """The net in today's format, and one note for each thing that was upgraded or had to be ignored.

    Blobs are kept, so that a .caffemodel is upgraded by the same call. ``param`` is not changed; when there is
    nothing to upgrade it is returned itself, not a copy (a model may hold hundreds of megabytes).

    Raises NetError when the net mixes the formats `layer` and `layers`, or holds a V0 layer of unknown type, a V0
    padding layer that cannot be folded, or inputs without all their dimensions.
    """
    if param.layer and param.layers:
        raise NetError(
            f"the net has both 'layer' (today's format: {describe(param.layer[0])}) and 'layers' (the V1 format: "
            f'{describe(param.layers[0])}); write every layer as `layer {{ type: "ReLU" ... }}`'
        )
    notes: list[str] = []
    if param.layers:
        age = "V0" if any(layer.HasField("layer") for layer in param.layers) else "V1"
        notes.append(f"{file_prefix(param.layers)}the layers are in the {age} format, upgraded in memory")
    for step in STEPS:
        param, found = step(param)
        notes += found
    return param, notes
