"""V1 data layers kept scale, mean_file, crop_size and mirror among their own options; transform_param has them now."""

from __future__ import annotations

from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.describe import describe

OPTIONS = {
    pb.V1LayerParameter.DATA: "data_param",
    pb.V1LayerParameter.IMAGE_DATA: "image_data_param",
    pb.V1LayerParameter.WINDOW_DATA: "window_data_param",
}
FIELDS = ("scale", "mean_file", "crop_size", "mirror")


def upgrade_data_transform(param: pb.NetParameter) -> tuple[pb.NetParameter, list[str]]:
    """V1 data layers with these fields in transform_param, where they replace what was there.

    Today's layers (`layer`) are left alone: there Caffe ignores the old fields silently.
    """
    old = [i for i, layer in enumerate(param.layers) if _old_fields(layer)]
    if not old:
        return param, []
    upgraded = pb.NetParameter()
    upgraded.CopyFrom(param)
    notes = []
    for i in old:
        layer = upgraded.layers[i]
        names = _old_fields(layer)
        options = getattr(layer, OPTIONS[layer.type])
        for name in names:
            setattr(layer.transform_param, name, getattr(options, name))
            options.ClearField(name)
        notes.append(f"{describe(layer)}: {', '.join(names)} moved from {OPTIONS[layer.type]} to transform_param")
    return upgraded, notes


def _old_fields(layer: pb.V1LayerParameter) -> list[str]:
    if layer.type not in OPTIONS:
        return []
    options = getattr(layer, OPTIONS[layer.type])
    return [name for name in FIELDS if options.HasField(name)]
