"""The declared nets are those published for Caffe: we build what Caffe made of the published files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cafpy.net import Net
from cafpy.passes import prepare
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import read_net

MODELS = Path(__file__).resolve().parents[2] / "models"
HE = "KaimingHe__deep-residual-networks__prototxt__ResNet"
DEPLOY = {
    "alexnet": "BVLC__caffe__models__bvlc_alexnet__deploy",
    "caffenet": "BVLC__caffe__models__bvlc_reference_caffenet__deploy",
    "googlenet": "BVLC__caffe__models__bvlc_googlenet__deploy",
    "resnet50": f"{HE}-50-deploy",
    "resnet101": f"{HE}-101-deploy",
    "resnet152": f"{HE}-152-deploy",
    "squeezenet_v1.1": "forresti__SqueezeNet__SqueezeNet_v1.1__deploy",
    "mobilenet_v1": "shicai__MobileNet-Caffe__mobilenet_deploy",
    "mobilenet_v2": "shicai__MobileNet-Caffe__mobilenet_v2_deploy",
    "lenet_mnist": "BVLC__caffe__examples__mnist__lenet",
    "cifar10_quick": "BVLC__caffe__examples__cifar10__cifar10_quick",
    "cifar10_full": "BVLC__caffe__examples__cifar10__cifar10_full",
    "siamese_mnist": "BVLC__caffe__examples__siamese__mnist_siamese",
}
TRAIN_VAL = {
    "alexnet": "BVLC__caffe__models__bvlc_alexnet__train_val",
    "caffenet": "BVLC__caffe__models__bvlc_reference_caffenet__train_val",
    "googlenet": "BVLC__caffe__models__bvlc_googlenet__train_val",
    "siamese_mnist": "BVLC__caffe__examples__siamese__mnist_siamese_train_test",
    "autoencoder_mnist": "BVLC__caffe__examples__mnist__mnist_autoencoder",
}


@pytest.mark.parametrize("model", DEPLOY)
def test_deploy(model: str, golden: Path) -> None:
    """Names, types, blobs, parameter shapes and blob shapes of every layer, splits included; batch size apart."""
    wanted = json.loads((golden / "nets" / f"{DEPLOY[model]}.json").read_text())["TEST"]
    net = Net(read_net(MODELS / model / "deploy.prototxt"))
    got = [
        (node.param.name, node.param.type, node.bottom, node.top, [list(blob.shape) for blob in node.layer.blobs])
        for node in net.nodes
        if node.bottom
    ]
    assert got == [
        (layer["name"], layer["type"], layer["bottom"], layer["top"], layer.get("param", []))
        for layer in wanted["layer"]
        if layer["bottom"]
    ]
    shapes = [[name, list(blob.shape)[1:]] for name, blob in net.blobs.items()]
    assert shapes == [[name, shape[1:]] for name, shape in wanted["blob"]]


@pytest.mark.parametrize("model", TRAIN_VAL)
def test_train_val(model: str, golden: Path) -> None:
    """Names, types and blobs of every layer in both phases."""
    facts = json.loads((golden / "nets" / f"{TRAIN_VAL[model]}.json").read_text())
    net = read_net(MODELS / model / "train_val.prototxt")
    for key, wanted in facts.items():
        if key.split()[0] not in ("TRAIN", "TEST") or "error" in wanted:
            continue
        phase, _, stage = key.partition(" stage ")
        layers = (facts["TEST"] if wanted == "same" else wanted)["layer"]
        got = prepare(net, pb.Phase.Value(phase), 0, [stage] if stage else []).layer
        assert [(layer.name, list(layer.bottom), list(layer.top)) for layer in got] == [
            (layer["name"], layer["bottom"], [top for top in layer["top"] if top != "(automatic)"]) for layer in layers
        ]
        computing = [
            (layer.type, expected["type"]) for layer, expected in zip(got, layers, strict=True) if layer.bottom
        ]
        assert [ours for ours, _ in computing] == [theirs for _, theirs in computing]
