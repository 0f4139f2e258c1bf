"""BatchNorm layers used to ask for three `param { lr_mult: 0 }`, for their statistics are not learned."""

from __future__ import annotations

from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.describe import describe


def upgrade_batch_norm(param: pb.NetParameter) -> tuple[pb.NetParameter, list[str]]:
    """lr_mult and decay_mult of BatchNorm layers that declare three params set to 0, their names kept."""
    old = [i for i, layer in enumerate(param.layer) if layer.type == "BatchNorm" and _to_mend(layer)]
    if not old:
        return param, []
    upgraded = pb.NetParameter()
    upgraded.CopyFrom(param)
    notes = []
    for i in old:
        layer = upgraded.layer[i]
        if any(spec.lr_mult != 0 for spec in layer.param):
            notes.append(f"{describe(layer)}: the statistics of a BatchNorm layer are not learned; lr_mult set to 0")
        for spec in layer.param:
            spec.lr_mult = spec.decay_mult = 0
    return upgraded, notes


def _to_mend(layer: pb.LayerParameter) -> bool:
    done = all(
        spec.HasField("lr_mult") and spec.HasField("decay_mult") and spec.lr_mult == spec.decay_mult == 0
        for spec in layer.param
    )
    return len(layer.param) == 3 and not done
