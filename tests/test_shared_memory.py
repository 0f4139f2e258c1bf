"""Sharing memory changes no number, saves memory, and keeps apart what must be kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cafpy.errors import NetError
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse, read_net

MODELS = Path(__file__).resolve().parents[1] / "models"
# with splits, joins, in-place layers, reshapes; each with a size that makes it small
NETS = {
    "lenet_mnist": (1, 28, 28),
    "resnet18": (3, 224, 224),
    "squeezenet_v1.1": (3, 64, 64),
    "mobilenet_v2": (3, 64, 64),
    "siamese_mnist": (2, 28, 28),
    "autoencoder_mnist": (1, 28, 28),
}


def net_of(name: str, phase: int, share: bool) -> Net:
    param = read_net(MODELS / name / "train_val.prototxt")
    for layer in param.layer:
        if layer.bottom or layer.type == "DummyData":
            continue
        layer.type = "Input"
        for i in range(len(layer.top)):
            layer.input_param.shape.add(dim=(2, *NETS[name]) if i == 0 else (2,))
    # the autoencoder has two test sets
    net = Net(param, phase, stages=("test-on-test",), share_memory=share, seed=3)
    for node in net.nodes:
        if node.param.type == "BatchNorm":
            for blob in node.layer.blobs[1:]:
                blob.data[...] = 1
    return net


def fill(net: Net, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for name in net.inputs:
        data = net.blobs[name].data
        data[...] = rng.integers(0, 2, data.shape) if data.ndim == 1 else rng.standard_normal(data.shape)


def bytes_of(net: Net, side: str) -> int:
    memories = {}
    for blob in net.blobs.values():
        memory = getattr(blob, f"{side}_memory")()
        memories[memory] = max(blob.count, memories.get(memory, 0))
    return 4 * sum(memories.values())


@pytest.mark.parametrize("name", NETS)
def test_outputs_are_the_same(name: str) -> None:
    """Twice, because the second pass finds what the first one left in the shared memory."""
    plain, shared = (net_of(name, pb.TEST, share) for share in (False, True))
    for seed in (0, 1):
        for net in (plain, shared):
            fill(net, seed)
            net.forward()
        assert shared.outputs == plain.outputs
        for output in plain.outputs:
            assert np.array_equal(shared.blobs[output].data, plain.blobs[output].data)
    assert bytes_of(shared, "data") < bytes_of(plain, "data")


@pytest.mark.parametrize("name", NETS)
def test_parameters_gradients_are_the_same(name: str) -> None:
    plain, shared = (net_of(name, pb.TRAIN, share) for share in (False, True))
    for seed in (0, 1):
        for net in (plain, shared):
            fill(net, seed)
            net.clear_param_diffs()
            net.forward()
            net.backward()
        for mine, other in zip(shared.learnable, plain.learnable, strict=True):
            assert np.array_equal(mine.blob.diff, other.blob.diff)
    assert bytes_of(shared, "diff") < bytes_of(plain, "diff")


def test_a_deep_net_needs_little() -> None:
    """Values of a net that only runs forward are alive between neighbours."""
    plain, shared = (net_of("resnet18", pb.TEST, share) for share in (False, True))
    assert bytes_of(shared, "data") < bytes_of(plain, "data") / 2


CHAIN = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "one" type: "DummyData" top: "one" dummy_data_param { shape { dim: 2 dim: 3 } data_filler { value: 1 } } }
layer { name: "a" type: "Power" bottom: "x" top: "a" power_param { scale: 2 } }
layer { name: "b" type: "Power" bottom: "a" top: "b" power_param { shift: 1 } }
layer { name: "c" type: "Power" bottom: "b" top: "c" power_param { scale: 3 } }
layer { name: "d" type: "Eltwise" bottom: "c" bottom: "one" top: "d" }
"""


def test_inputs_and_constants_keep_their_memory() -> None:
    net = Net(parse(CHAIN, pb.NetParameter()), share_memory=True)
    net.blobs["x"].data[...] = 5
    for _ in range(2):
        net.forward()
        assert (net.blobs["x"].data == 5).all() and (net.blobs["one"].data == 1).all()
        assert (net.blobs["d"].data == 34).all()
    assert net.blobs["a"].data_memory() == net.blobs["c"].data_memory()


def test_a_larger_batch_is_still_right() -> None:
    net = Net(parse(CHAIN.replace('bottom: "one"', 'bottom: "b"'), pb.NetParameter()), share_memory=True)
    for batch in (2, 9, 4):
        x = np.arange(3.0 * batch).reshape(batch, 3)
        net.blobs["x"].reshape(x.shape)
        net.blobs["x"].data[...] = x
        net.forward()
        assert np.array_equal(net.blobs["d"].data, 4 * (2 * x + 1))


def test_backward_after_sharing_values_is_refused() -> None:
    net = Net(parse(CHAIN, pb.NetParameter()), share_memory=True)
    with pytest.raises(NetError, match="shares memory"):
        net.backward()


def test_force_backward_keeps_values() -> None:
    net = Net(parse("force_backward: true\n" + CHAIN, pb.NetParameter()), share_memory=True)
    net.forward()
    net.blobs["d"].diff[...] = 1
    net.backward()
    assert (net.blobs["x"].diff == 6).all()
