"""MemoryData: Caffe's batches, arrays that change, and every way in which it cannot be built or run."""

import logging

import numpy as np
import pytest

from cafpy.backend import Backend
from cafpy.errors import CafpyError
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.testing.case import Case
from cafpy.testing.golden.data import run_batches

DATA = np.arange(6 * 2 * 3 * 4, dtype=np.float32).reshape(6, 2, 3, 4)
LABELS = np.array([1, 0, 0, 2, 2, 8])


def memory_data(options="batch_size: 2 channels: 2 height: 3 width: 4"):
    return f'type: "MemoryData" memory_data_param {{ {options} }}'


CASES = [Case("two_at_a_time", memory_data(), tops=2, prepare=lambda layer: layer.set_arrays(DATA, LABELS))]


def make_net(layer=None):
    text = f'layer {{ name: "data" top: "data" top: "label"\n{layer or memory_data()} }}'
    return Net(parse(text, pb.NetParameter(), "net.prototxt"))


def test_a_transform_is_ignored_but_said(caplog):
    """As in Caffe."""
    with caplog.at_level(logging.WARNING):
        net = make_net(memory_data() + " transform_param { scale: 2 }")
    assert [record.getMessage() for record in caplog.records] == [
        "layer 'data' (MemoryData), net.prototxt:1: transform_param is ignored; give the arrays as the net wants them"
    ]
    net.layers[0].set_arrays(DATA, LABELS)
    net.forward()
    np.testing.assert_array_equal(net.blobs["data"].data, DATA[:2])


def labels(net, passes):
    found = []
    for _ in range(passes):
        net.forward()
        found.append(net.blobs["label"].data.ravel().tolist())
    return found


def test_every_recorded_batch(golden):
    files = sorted((golden / "data/batches").glob("MemoryData__*.npz"))
    assert len(files) >= 2
    problems = [outcome.problems for file in files for outcome in run_batches(file, Backend())]
    assert problems == [[]] * len(files)


def test_goes_around_and_begins_again_with_new_arrays():
    net = make_net()
    assert net.blobs["label"].shape == (2,)
    net.layers[0].set_arrays(DATA, LABELS)
    assert labels(net, 4) == [[1, 0], [0, 2], [2, 8], [1, 0]]
    assert net.blobs["label"].shape == (2, 1, 1, 1)
    np.testing.assert_array_equal(net.blobs["data"].data, DATA[:2])
    net.layers[0].set_arrays(DATA[2:].astype(np.float64), LABELS[2:].reshape(4, 1, 1, 1))
    assert labels(net, 3) == [[0, 2], [2, 8], [0, 2]]


def test_another_batch_size():
    net = make_net()
    net.layers[0].set_arrays(DATA, LABELS)
    assert labels(net, 1) == [[1, 0]]
    net.layers[0].set_batch_size(3)
    assert labels(net, 2) == [[1, 0, 0], [2, 2, 8]]
    assert net.blobs["data"].shape == (3, 2, 3, 4)
    net.layers[0].set_batch_size(4)
    with pytest.raises(CafpyError, match="has no data yet"):
        net.forward()


def test_a_state_restores_the_position():
    net, again = make_net(), make_net()
    for each in (net, again):
        each.layers[0].set_arrays(DATA, LABELS)
    labels(net, 2)
    again.layers[0].load_state(net.layers[0].state())
    assert labels(net, 2) == labels(again, 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("channels: 2 height: 3 width: 4", "batch_size is missing; write "),
        ("batch_size: 2 channels: 2", "height, width are missing; write "),
    ],
)
def test_refuses_options(options, said):
    with pytest.raises(CafpyError) as raised:
        make_net(memory_data(options))
    example = "`memory_data_param { batch_size: 32 channels: 3 height: 227 width: 227 }`"
    assert str(raised.value) == f"layer 'data' (MemoryData), net.prototxt:1: {said}{example}"


def test_forward_needs_arrays():
    with pytest.raises(CafpyError) as raised:
        make_net().forward()
    assert str(raised.value) == (
        "layer 'data' (MemoryData), net.prototxt:1: has no data yet; give it some before forward, with "
        "set_arrays(data, labels) (net.set_input_arrays in pycaffe)"
    )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda layer: layer.set_arrays(DATA[:, :1], LABELS),
            "data of shape 6×1×3×4 came; wanted N×2×3×4 (N×channels×height×width)",
        ),
        (
            lambda layer: layer.set_arrays(DATA, LABELS[:4]),
            "labels of shape 4 came for 6 items; wanted one number an item",
        ),
        (
            lambda layer: layer.set_arrays(DATA[:5], LABELS[:5]),
            "5 items came; wanted a multiple of batch_size 2, for the last batch must be full too",
        ),
        (
            lambda layer: layer.set_arrays(DATA[:0], LABELS[:0]),
            "0 items came; wanted a multiple of batch_size 2, for the last batch must be full too",
        ),
        (lambda layer: layer.set_batch_size(0), "batch_size 0 came; it must be at least 1"),
    ],
)
def test_refuses_arrays(call, said):
    with pytest.raises(CafpyError) as raised:
        call(make_net().layers[0])
    assert str(raised.value) == f"layer 'data' (MemoryData), net.prototxt:1: {said}"
