"""V1 (2014: `layers { type: CONVOLUTION blobs_lr: 1 }`) to today's `layer { type: "Convolution" param { ... } }`."""

from __future__ import annotations

from itertools import zip_longest

from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.v1_types import V1_TYPES

# Four lists of V1, one entry a parameter blob, are one list of ParamSpec today: V1 field -> field of ParamSpec.
PARAM_SPEC = {"param": "name", "blob_share_mode": "share_mode", "blobs_lr": "lr_mult", "weight_decay": "decay_mult"}


def upgrade_v1(param: pb.NetParameter) -> tuple[pb.NetParameter, list[str]]:
    """V1 layers as today's. Options, rules, loss weights and blobs keep their names and are copied."""
    if not param.layers:
        return param, []
    fields = {field.name: value for field, value in param.ListFields() if field.name != "layers"}
    return pb.NetParameter(**fields, layer=[_upgrade_layer(layer) for layer in param.layers]), []


def _upgrade_layer(old: pb.V1LayerParameter) -> pb.LayerParameter:
    fields = {field.name: value for field, value in old.ListFields()}
    lists = [fields.pop(name, ()) for name in PARAM_SPEC]
    if "type" in fields:
        fields["type"] = V1_TYPES[pb.V1LayerParameter.LayerType.Name(fields["type"])]
    layer = pb.LayerParameter(**fields)
    for values in zip_longest(*lists):
        spec = zip(PARAM_SPEC.values(), values, strict=True)
        layer.param.add(**{name: value for name, value in spec if value is not None})
    return layer
