"""V1 (2014: `layers { type: CONVOLUTION blobs_lr: 1 }`) to today's `layer { type: "Convolution" param { ... } }`."""

from __future__ import annotations

from itertools import zip_longest

from cafpy.proto import cafpy_pb2 as pb

TYPES = {
    "NONE": "",
    "ABSVAL": "AbsVal",
    "ACCURACY": "Accuracy",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "CONCAT": "Concat",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "CONVOLUTION": "Convolution",
    "DATA": "Data",
    "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData",
    "ELTWISE": "Eltwise",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "EXP": "Exp",
    "FLATTEN": "Flatten",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss",
    "IM2COL": "Im2col",
    "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN",
    "POOLING": "Pooling",
    "POWER": "Power",
    "RELU": "ReLU",
    "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SILENCE": "Silence",
    "SLICE": "Slice",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split",
    "TANH": "TanH",
    "THRESHOLD": "Threshold",
    "WINDOW_DATA": "WindowData",
}

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
        fields["type"] = TYPES[pb.V1LayerParameter.LayerType.Name(fields["type"])]
    layer = pb.LayerParameter(**fields)
    for values in zip_longest(*lists):
        spec = zip(PARAM_SPEC.values(), values, strict=True)
        layer.param.add(**{name: value for name, value in spec if value is not None})
    return layer
