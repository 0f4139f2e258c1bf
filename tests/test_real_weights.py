"""Weights that Caffe trained, on data they have not seen: they load, run and are as good as they were."""

import re
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cafpy.backend import CpuBackend
from cafpy.cli import main
from cafpy.feed.convert.cifar10 import convert_cifar10
from cafpy.feed.convert.mnist import convert_mnist
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse, read_net
from cafpy.snapshot.load import load_weights
from cafpy.solvers.observer import Observer
from cafpy.solvers.solver import Solver


def accuracy(model: Path, weights: Path, iterations: int) -> tuple[float, float]:
    """Accuracy and loss that `cafpy test` prints."""
    command = ["test", "--model", str(model), "--weights", str(weights), "--iterations", str(iterations)]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    return tuple(float(re.findall(rf"\] {name} = ([-+.\deE]+)", result.output)[-1]) for name in ("accuracy", "loss"))


@pytest.mark.parametrize(("iteration", "wanted"), [(5000, (0.9895, 0.0314825)), (10000, (0.9906, 0.0287233))])
def test_lenet_is_as_good_as_its_training_log_says(shared, tmp_path, iteration, wanted):
    mnist, folder = shared / "data" / "mnist", shared / "weights" / "lenet_mnist"
    convert_mnist(mnist / "t10k-images-idx3-ubyte.gz", mnist / "t10k-labels-idx1-ubyte.gz", tmp_path / "test_lmdb")
    model = tmp_path / "net.prototxt"
    text = (folder / "lenet_train_test.prototxt").read_text()
    model.write_text(text.replace("mnist_test_lmdb", str(tmp_path / "test_lmdb")))
    assert accuracy(model, folder / f"lenet_iter_{iteration}.caffemodel", 100) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(
    ("net", "weights", "least"),
    [
        ("cifar10_quick_train_test", "cifar10_quick_iter_5000.caffemodel.h5", 0.72),
        # sigmoids learn slowly
        ("cifar10_full_sigmoid_train_test", "cifar10_full_sigmoid_iter_60000.caffemodel", 0.48),
    ],
)
def test_cifar10_nets_know_1000_photos_of_the_test_set(shared, tmp_path, net, weights, least):
    convert_cifar10(shared / "data" / "cifar10_subset.tar", tmp_path / "train_lmdb", tmp_path / "test_lmdb")
    folder = shared / "weights" / "cifar10"
    text = (folder / f"{net}.prototxt").read_text()
    text = re.sub(r'source: ".*test.*"', f'source: "{tmp_path}/test_lmdb"', text)
    text = re.sub(r'mean_file: ".*"', f'mean_file: "{folder}/mean.binaryproto"', text)
    model = tmp_path / "net.prototxt"
    model.write_text(text)
    assert accuracy(model, folder / weights, 10)[0] >= least


def test_lenet_goes_on_from_caffes_snapshot_as_caffe_did(shared, tmp_path):
    mnist, folder = shared / "data" / "mnist", shared / "weights" / "lenet_mnist"
    convert_mnist(mnist / "train-images-idx3-ubyte.gz", mnist / "train-labels-idx1-ubyte.gz", tmp_path / "train_lmdb")
    text = (folder / "lenet_train_test.prototxt").read_text()
    (tmp_path / "net.prototxt").write_text(text.replace("mnist_train_lmdb", str(tmp_path / "train_lmdb")))
    fields = {"net": tmp_path / "net.prototxt", "snapshot_prefix": tmp_path / "lenet"}
    text = (folder / "lenet_solver.prototxt").read_text()
    for name, value in fields.items():
        text = re.sub(rf'(?m)^{name}: ".*"', f'{name}: "{value}"', text)
    text = re.sub(r"(?m)^test_i.*$", "", text)
    losses = {}
    observer = Observer()
    observer.on_display = lambda solver, display: losses.update({display.iteration: display.loss})
    with closing(Solver(parse(text, pb.SolverParameter()), backend=CpuBackend(), observers=[observer])) as solver:
        solver.restore(folder / "lenet_iter_5000.solverstate")
        data = solver.net.layers[0]
        data.load_state({**data.state(), "position": 5000 * 64 % 60000})  # Caffe read on there; its state does not say
        solver.step(101)
    assert losses == pytest.approx({5000: 0.0220925, 5100: 0.0277358}, rel=1e-4)  # train.log


def test_mobilefacenet_runs(shared):
    folder = shared / "weights" / "mobilefacenet"
    with closing(Net(read_net(folder / "mobilefacenet.prototxt"), backend=CpuBackend())) as net:
        report = load_weights(net, folder / "mobilefacenet.caffemodel")
        assert (report.missing, report.unused) == ([], [])
        net.blobs["data"].data[...] = np.random.default_rng(0).uniform(-1, 1, net.blobs["data"].shape)
        net.forward()
        assert net.blobs["fc1"].shape == (1, 128)
        assert 0.1 < np.abs(net.blobs["fc1"].data).mean() < 1


def test_ultraface_runs_up_to_its_permute_layers(shared):
    folder = shared / "weights" / "ultraface"
    layers = re.split(r"(?m)^(?=layer \{)", (folder / "RFB-320.prototxt").read_text())
    made_from = {
        top: set(re.findall(r'bottom: "(.+?)"', text)) for text in layers for top in re.findall(r'top: "(.+?)"', text)
    }
    lost = {top for text in layers if '"Permute"' in text for top in re.findall(r'top: "(.+?)"', text)}
    while more := {top for top, bottoms in made_from.items() if bottoms & lost} - lost:
        lost |= more
    kept = [text for text in layers if not set(re.findall(r'top: "(.+?)"', text)) & lost]
    with closing(Net(parse("".join(kept), pb.NetParameter()), backend=CpuBackend())) as net:
        assert load_weights(net, folder / "RFB-320.caffemodel").missing == []
        for name in net.inputs:
            net.blobs[name].data[...] = np.random.default_rng(0).uniform(-1, 1, net.blobs[name].shape)
        net.forward()
        assert len(net.outputs) == 8  # scores and boxes at four scales
        assert all(np.isfinite(net.blobs[name].data).all() for name in net.outputs)
