"""V0 (2013: `layers { layer { type: "conv" ... } bottom: ... }`) to V1 (`layers { type: CONVOLUTION ... }`)."""

from __future__ import annotations

from typing import NamedTuple

from google.protobuf.message import Message

from cafpy.errors import NetError, did_you_mean
from cafpy.passes.fold_padding import fold_padding
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.describe import describe


class V0Type(NamedTuple):
    """What a V0 type became: the V1 type, the message that took its options, and the V0 names of those options."""

    v1_type: str
    options: str = ""
    fields: frozenset[str] = frozenset()


def _type(v1_type: str, options: str = "", fields: str = "") -> V0Type:
    return V0Type(v1_type, options, frozenset(fields.split()))


TYPES = {
    "accuracy": _type("ACCURACY"),
    "bnll": _type("BNLL"),
    "concat": _type("CONCAT", "concat_param", "concat_dim"),
    "conv": _type(
        "CONVOLUTION",
        "convolution_param",
        "num_output biasterm weight_filler bias_filler pad kernelsize group stride",
    ),
    "data": _type("DATA", "data_param", "source batchsize rand_skip"),
    "dropout": _type("DROPOUT", "dropout_param", "dropout_ratio"),
    "euclidean_loss": _type("EUCLIDEAN_LOSS"),
    "flatten": _type("FLATTEN"),
    "hdf5_data": _type("HDF5_DATA", "hdf5_data_param", "source batchsize"),
    "hdf5_output": _type("HDF5_OUTPUT"),
    "im2col": _type("IM2COL"),
    "images": _type("IMAGE_DATA", "image_data_param", "source batchsize rand_skip shuffle_images new_height new_width"),
    "infogain_loss": _type("INFOGAIN_LOSS", "infogain_loss_param", "source"),
    "innerproduct": _type("INNER_PRODUCT", "inner_product_param", "num_output biasterm weight_filler bias_filler"),
    "lrn": _type("LRN", "lrn_param", "local_size alpha beta k"),
    "multinomial_logistic_loss": _type("MULTINOMIAL_LOGISTIC_LOSS"),
    "pool": _type("POOLING", "pooling_param", "pad kernelsize stride pool"),
    "relu": _type("RELU"),
    "sigmoid": _type("SIGMOID"),
    "softmax": _type("SOFTMAX"),
    "softmax_loss": _type("SOFTMAX_LOSS"),
    "split": _type("SPLIT"),
    "tanh": _type("TANH"),
    "window_data": _type(
        "WINDOW_DATA",
        "window_data_param",
        "source batchsize det_fg_threshold det_bg_threshold det_fg_fraction det_context_pad det_crop_mode",
    ),
}

# Every V0 type may carry these; Caffe moves them to transform_param even where nothing reads them.
TRANSFORM = {"scale": "scale", "meanfile": "mean_file", "cropsize": "crop_size", "mirror": "mirror"}

RENAMED = {
    "biasterm": "bias_term",
    "kernelsize": "kernel_size",
    "batchsize": "batch_size",
    "shuffle_images": "shuffle",
    "det_fg_threshold": "fg_threshold",
    "det_bg_threshold": "bg_threshold",
    "det_fg_fraction": "fg_fraction",
    "det_context_pad": "context_pad",
    "det_crop_mode": "crop_mode",
}


def upgrade_v0(param: pb.NetParameter) -> tuple[pb.NetParameter, list[str]]:
    """V0 layers as V1 layers, their padding layers folded into the layers they feed.

    A field that means nothing to its layer's type is dropped with a note, as Caffe drops it with a log line.
    Raises NetError naming every layer of unknown type.
    """
    if not any(layer.HasField("layer") for layer in param.layers):
        return param, []
    upgraded = fold_padding(param)
    layers = list(upgraded.layers)
    wrong = [
        f"{describe(layer)}: '{layer.layer.type}' is no V0 layer type{did_you_mean(layer.layer.type, TYPES)}"
        for layer in layers
        if layer.layer.HasField("type") and layer.layer.type not in TYPES
    ]
    if wrong:
        raise NetError("\n".join(wrong))
    notes: list[str] = []
    del upgraded.layers[:]
    upgraded.layers.extend(_upgrade_layer(layer, notes) for layer in layers)
    return upgraded, notes


def _upgrade_layer(old: pb.V1LayerParameter, notes: list[str]) -> pb.V1LayerParameter:
    v0 = old.layer
    new = pb.V1LayerParameter(
        bottom=old.bottom, top=old.top, blobs=v0.blobs, blobs_lr=v0.blobs_lr, weight_decay=v0.weight_decay
    )
    if old.HasField("defined_at"):
        new.defined_at = old.defined_at
    kind = TYPES.get(v0.type, V0Type("NONE"))
    lost = [field.name for field, _ in old.ListFields() if field.name not in {"layer", "bottom", "top", "defined_at"}]
    for field, value in v0.ListFields():
        match field.name:
            case "blobs" | "blobs_lr" | "weight_decay":
                pass
            case "name":
                new.name = value
            case "type":
                new.type = getattr(pb.V1LayerParameter, kind.v1_type)
            case "hdf5_output_param" if v0.type == "hdf5_output":
                new.hdf5_output_param.CopyFrom(value)
            case name if name in TRANSFORM:
                setattr(new.transform_param, TRANSFORM[name], value)
            case name if name in kind.fields:
                _set(getattr(new, kind.options), RENAMED.get(name, name), value)
            case name:
                lost.append(name)
    if lost:
        notes.append(
            f"{describe(old)}: a V0 layer of this type has no {', '.join(lost)}; ignored"
            if old.HasField("layer")
            else f"{describe(old)}: a V1 layer in a V0 net; Caffe ignores its {', '.join(lost)}, and so does cafpy"
        )
    return new


def _set(options: Message, name: str, value: object) -> None:
    """Convolution's pad, kernel_size and stride became repeated fields; fillers are messages; the rest are scalars."""
    present = getattr(options, name)
    if isinstance(present, Message):
        present.CopyFrom(value)  # type: ignore[arg-type]
    elif isinstance(present, int | float | str):
        setattr(options, name, value)
    else:
        present.append(value)
