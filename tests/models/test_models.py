"""Every model of models/: its files read, fit each other and build; parameters are as many as published."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from cafpy.errors import CafpyError
from cafpy.net import Net
from cafpy.passes import prepare
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import read_net, read_solver
from cafpy.snapshot.zoo import front_matter

ROOT = Path(__file__).resolve().parents[2]
MODELS = {
    str(path.parent.relative_to(ROOT / "models")): path.parent
    for path in sorted((ROOT / "models").rglob("deploy.prototxt"))
}
EVERY = pytest.mark.parametrize("folder", MODELS.values(), ids=MODELS)
LONGEST = 300  # lines of a file that somebody is to read
TRAINING_ONLY = ("Accuracy", "SoftmaxWithLoss", "Softmax")  # or in place of those

# As published, by the paper or by those who published the Caffe model; BatchNorm's statistics are not counted.
PUBLISHED = {
    "alexnet": 60_965_224,
    "caffenet": 60_965_224,
    "googlenet": 6_998_552,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "resnet18": 11_689_512,
    "resnet50": 25_557_032 + 64,  # the authors' Caffe model has a bias in conv1
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "squeezenet_v1.1": 1_235_496,
    "mobilenet_v1": 4_231_976,
    "mobilenet_v2": 3_504_872 + 32 * 32 + 2 * 32,  # the public Caffe model expands 32 channels to 32 in conv2_1
    "densenet121": 7_978_856,
    "lenet_mnist": 431_080,
}


def test_all_are_here() -> None:
    assert set(MODELS) >= {
        *PUBLISHED,
        "lenet_digits",
        "cifar10_quick",
        "cifar10_full",
        "fcn32s",
        "siamese_mnist",
        "autoencoder_mnist",
        "char_lstm",
        "finetune_photos/caffenet",
        "finetune_photos/mobilenet_v1",
    }


@EVERY
def test_files_can_be_read_by_people(folder: Path) -> None:
    for name in ("train_val.prototxt", "deploy.prototxt", "solver.prototxt"):
        lines = (folder / name).read_text("utf-8").splitlines()
        assert len(lines) <= LONGEST
        assert [line for line in lines if len(line) > 120] == []
        assert lines[0].startswith("# ")  # says what it is


@EVERY
def test_both_phases(folder: Path) -> None:
    solver = read_solver(folder / "solver.prototxt")
    states = list(solver.test_state) or [pb.NetState()]
    for phase, stages in [(pb.TRAIN, ()), *((pb.TEST, tuple(state.stage)) for state in states)]:
        layers = prepare(read_net(folder / "train_val.prototxt"), phase, 0, stages).layer
        assert any(not layer.bottom for layer in layers)
        assert any(layer.type.endswith("Loss") or layer.type == "SoftmaxWithLoss" for layer in layers)


@EVERY
def test_solver(folder: Path) -> None:
    solver = read_solver(folder / "solver.prototxt")
    assert ROOT / solver.net == folder / "train_val.prototxt"
    assert (ROOT / solver.snapshot_prefix).parent == folder
    assert len(solver.test_iter) == max(1, len(solver.test_state))
    assert all(value < solver.max_iter for value in (*solver.stepvalue, solver.stepsize, solver.snapshot - 1))


@EVERY
def test_solver_tests_on_the_whole_validation_set_of_imagenet(folder: Path) -> None:
    data = prepare(read_net(folder / "train_val.prototxt"), pb.TEST, 0, ["test-on-test"]).layer[0].data_param
    if "ilsvrc12" in data.source:
        assert read_solver(folder / "solver.prototxt").test_iter[0] * data.batch_size == 50_000


@EVERY
def test_deploy_is_the_trained_net(folder: Path) -> None:
    """The layers between data and loss are the same: weights of the one load into the other."""
    trained = body(folder / "train_val.prototxt")
    for name, layer in body(folder / "deploy.prototxt").items():
        assert layer == trained.pop(name), name
    only_trained = {layer.type for name, layer in trained.items() if not name.startswith(("loss1/", "loss2/"))}
    assert only_trained <= {"Flatten", "Slice", "ContrastiveLoss", "EuclideanLoss", "SigmoidCrossEntropyLoss"}


def body(path: Path) -> dict[str, pb.LayerParameter]:
    """The layers by name, without what concerns training only; of a siamese net's two branches the first."""
    layers = {}
    for layer in read_net(path).layer:
        if layer.type in TRAINING_ONLY or not layer.bottom or layer.name.endswith("_p"):
            continue
        layer.ClearField("param")
        layer.ClearField("defined_at")
        layer.batch_norm_param.ClearField("use_global_stats")
        clear_fillers(layer)
        layers[layer.name] = layer
    return layers


def clear_fillers(layer: pb.LayerParameter) -> None:
    """Let all parameters begin with zeros, but for a fixed bilinear interpolation."""
    for options_field, options in layer.ListFields():
        if not options_field.name.endswith("_param"):
            continue
        for field in options.DESCRIPTOR.fields:
            if field.name.endswith("filler") and getattr(options, field.name).type != "bilinear":
                options.ClearField(field.name)


@EVERY
def test_parameters(folder: Path) -> None:
    name = str(folder.relative_to(ROOT / "models"))
    net = Net(read_net(folder / "deploy.prototxt"))
    count = sum(
        parameter.blob.count
        for parameter in net.learnable
        if net.nodes[net.layer_names.index(parameter.layer)].param.type != "BatchNorm"
    )
    said = front_matter(readme_of(folder))["parameters"]
    assert count == PUBLISHED.get(name, count)
    assert str(count) == said or f"{count:,}" in said


def readme_of(folder: Path) -> Path:
    """The README.md of a model, which may stand above several."""
    found = next((path / "README.md" for path in (folder, folder.parent) if (path / "README.md").is_file()), None)
    assert found, f"{folder} has no README.md; docs/models.md is made of its front matter"
    return found


def test_catalogue_is_up_to_date(catalogue: ModuleType) -> None:
    assert catalogue.TARGET.read_text("utf-8") == catalogue.table(), "run python tools/make_models_table.py"


def test_docs_of_blocks() -> None:
    """The example of docs/blocks.md is the net that it says, and its mistake has the message that it shows."""
    from cafpy.proto.text import parse

    text, message = (ROOT / "docs" / "blocks.md").read_text("utf-8").split("```\n")[1:4:2]
    net = parse(text, pb.NetParameter())
    assert [layer.name for layer in net.layer] == ["data", "conv1", "relu1"] + [
        f"{kind}2_{i}" for i in (1, 2, 3) for kind in ("conv", "relu")
    ]
    with pytest.raises(CafpyError) as error:
        parse(text.replace("kernel_size", "kernel_sise"), pb.NetParameter(), "net.prototxt")
    assert f"Error: {error.value}" == message.rstrip("\n")


@EVERY
def test_all_that_should_learn_does(folder: Path) -> None:
    """In training every parameter gets a gradient, but BatchNorm's statistics and those whose lr_mult is 0."""
    param = read_net(folder / "train_val.prototxt")
    for layer in param.layer:
        if not layer.bottom:
            put_input(layer)
        clear_fillers(layer)  # nobody looks at the numbers, and drawing 140 million takes time
    net = Net(param, pb.TRAIN)
    fixed = [str(p) for p in net.learnable if not net.nodes[net.layer_names.index(p.layer)].needs_backward]
    assert fixed == []
    for parameter in net.learnable:
        node = net.nodes[net.layer_names.index(parameter.layer)]
        learns = node.layer.param_propagate_down[parameter.index]
        assert learns == (node.param.type != "BatchNorm" and parameter.layer != "upsample"), str(parameter)


def put_input(layer: pb.LayerParameter) -> None:
    """Turn a data layer into an Input of a batch of two (of five steps of two sequences)."""
    if layer.type == "HDF5Data":
        layer.type = "Input"
        for _ in layer.top:
            layer.input_param.shape.add(dim=(5, 2))
        return
    channels = {"pair_data": 2, "label": 1}.get(layer.name, 1 if "mnist" in layer.data_param.source else 3)
    size = (
        layer.transform_param.crop_size
        or {"mnist": 28, "cifar10": 32, "digits": 8, "pascal_voc": 400}[layer.data_param.source.split("/")[1]]
    )
    if "digits" in layer.data_param.source:
        channels = 1
    layer.type = "Input"
    layer.ClearField("data_param")
    layer.input_param.shape.add(dim=(2, channels, size, size))
    if len(layer.top) == 2:
        layer.input_param.shape.add(dim=(2,))


def test_fcn_takes_images_of_any_size() -> None:
    net = Net(read_net(ROOT / "models/fcn32s/deploy.prototxt"))
    for height, width in ((500, 500), (281, 500), (64, 33)):
        net.blobs["data"].reshape((1, 3, height, width))
        net.reshape()
        assert net.blobs["score"].shape == (1, 21, height, width)
