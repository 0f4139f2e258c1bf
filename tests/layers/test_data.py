"""Data: Caffe's batches through the layer, where a resumed run goes on, and every way in which it cannot be built."""

import logging

import numpy as np
import pytest

from cafpy.errors import CafpyError
from cafpy.feed.backends import create_database
from cafpy.feed.datum import image_to_datum
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.binary import array_to_blob
from cafpy.proto.text import parse
from cafpy.testing.case import Case, build

COUNT = 7


def write_files(folder):
    """A database of 7 images of 3×6×7 with the labels 0 to 6, and mean files of that and of another size."""
    rng = np.random.default_rng(3)
    with create_database(folder / "seven", "LMDB") as database:
        for i in range(COUNT):
            image = rng.integers(0, 256, (3, 6, 7)).astype(np.uint8)
            database.put(f"{i:08d}".encode(), image_to_datum(image, i).SerializeToString())
    for name, shape in (("mean", (1, 3, 6, 7)), ("small_mean", (1, 3, 4, 4))):
        mean = array_to_blob(np.full(shape, 100, np.float32))
        (folder / f"{name}.binaryproto").write_bytes(mean.SerializeToString())


def data(options="", transform="", source="seven", batch_size=3):
    size = f"batch_size: {batch_size}" if batch_size else ""
    text = f'data_param {{ source: "{source}" {size} backend: LMDB {options} }} transform_param {{ {transform} }}'
    return f'type: "Data" {text}'


CASES = [
    Case("plain", data(), tops=2, files=write_files),
    Case("no_labels", data(transform="scale: 0.5 mean_value: 10"), files=write_files),
    Case(
        "random",
        data("rand_skip: 5 prefetch: 1", 'crop_size: 4 mirror: true mean_file: "mean.binaryproto"'),
        tops=2,
        files=write_files,
        stochastic=True,
    ),
]


@pytest.fixture
def seven(tmp_path, monkeypatch):
    """The working directory, with the files of :func:`write_files`."""
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    return tmp_path


def make_net(layer, phase=pb.TRAIN, seed=0):
    text = f'layer {{ name: "data" top: "data" top: "label"\n{layer} }}'
    return Net(parse(text, pb.NetParameter(), "net.prototxt"), phase, seed=seed)


def run(net, count):
    batches = []
    for _ in range(count):
        net.forward()
        batches.append([net.blobs[name].data.copy() for name in ("data", "label")])
    return batches


def test_phases_crop_in_their_own_ways(seven):
    whole, middle = (make_net(data(transform=t), pb.TEST) for t in ("", "crop_size: 4"))
    ((images, _),), ((cut, _),) = run(whole, 1), run(middle, 1)
    np.testing.assert_array_equal(cut, images[:, :, 1:5, 1:5])
    training = make_net(data(transform="crop_size: 4"))
    assert any((batch[0] != images[:, :, 1:5, 1:5]).any() for batch in run(training, 1))
    for net in (whole, middle, training):
        net.close()


@pytest.mark.parametrize("passes", [0, 1, 3])
def test_goes_on_where_the_state_says(seven, passes):
    layer = data("rand_skip: 4", "crop_size: 4 mirror: true")
    net = make_net(layer, seed=5)
    run(net, passes)
    state = net.layers[0].state()
    assert state == {"position": 3 * passes}
    expected = run(net, 3)
    again = make_net(layer, seed=5)
    again.layers[0].load_state(state)
    for ours, theirs in zip(run(again, 3), expected, strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])
    net.close()
    again.close()


def test_images_of_other_sizes_reshape_the_top(seven):
    with create_database("sizes", "LMDB") as database:
        for i, size in enumerate((5, 8)):
            image = np.full((1, size, size + 1), i, np.uint8)
            database.put(str(i).encode(), image_to_datum(image, i).SerializeToString())
    net = make_net(data(source="sizes", batch_size=1))
    assert [batch[0].shape for batch in run(net, 3)] == [(1, 1, 5, 6), (1, 1, 8, 9), (1, 1, 5, 6)]
    net.close()


def test_old_fields_are_ignored_but_said(seven, caplog):
    with caplog.at_level(logging.WARNING):
        net = make_net(data("scale: 0.5 mirror: true"))
    assert [record.getMessage() for record in caplog.records] == [
        f"layer 'data' (Data), net.prototxt:1: {name} in data_param is ignored; it belongs in transform_param"
        for name in ("scale", "mirror")
    ]
    net.close()


def test_sizes_of_boxes_are_ignored_but_said(seven, caplog):
    """They change no pixel; SSD's Caffe moves boxes by them, which a Data layer has not."""
    resize = "resize_param {{ height: 6 width: 9 resize_mode: FIT_SMALL_SIZE {} }}"
    with caplog.at_level(logging.WARNING):
        plain, scaled = (
            make_net(data(transform=resize.format(more))) for more in ("", "height_scale: 30 width_scale: 40")
        )
    assert [record.getMessage() for record in caplog.records] == [
        f"layer 'data' (Data), net.prototxt:1: {name} in resize_param is ignored; it is about the boxes of a detection "
        "net, which Data has not"
        for name in ("height_scale", "width_scale")
    ]
    np.testing.assert_array_equal(run(scaled, 1)[0][0], run(plain, 1)[0][0])
    plain.close()
    scaled.close()


def test_closing_twice_does_nothing(seven):
    harness = build(CASES[0])
    harness.forward()
    harness.layer.close()
    harness.layer.close()


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (data(source=""), 'source is missing; write `data_param { source: "path/to/database" … }`'),
        (data(batch_size=0), "batch_size is missing; write `data_param { batch_size: 64 … }`"),
        (
            data(source="sevn"),
            "the database 'sevn' does not exist (did you mean 'seven'?) (looked in FOLDER)",
        ),
        (
            data().replace("backend: LMDB", ""),
            "'seven' is of the other kind: write `backend: LMDB`, not LEVELDB (without a backend, LEVELDB is meant)",
        ),
        (
            data(transform="crop_size: 100"),
            "database 'seven', record '00000000': crop_size: 100 is larger than the image, 6×7 (height × width); use "
            "at most 6, or larger images",
        ),
        (
            data(transform='mean_file: "nope.binaryproto"'),
            "the mean file (.binaryproto) 'nope.binaryproto' does not exist (looked in FOLDER)",
        ),
        (
            data(transform='mean_file: "small_mean.binaryproto"'),
            "database 'seven', record '00000000': mean_file: 'small_mean.binaryproto' is 3×4×4, but the image is "
            "3×6×7 (channels × height × width); make the mean of the same database, or use one mean_value a channel",
        ),
        (
            data(transform='mean_file: "mean.binaryproto" mean_value: 1'),
            "mean_file ('mean.binaryproto') and mean_value (1) are both given; keep one",
        ),
        (
            data(transform="mean_value: 1 mean_value: 2"),
            "database 'seven', record '00000000': mean_value: 2 values (1, 2) for an image of 3 channels; give one "
            "value or 3",
        ),
    ],
)
def test_refuses(seven, layer, said):
    with pytest.raises(CafpyError) as raised:
        make_net(layer)
    said = said.replace("FOLDER", str(seven))
    assert str(raised.value) == f"layer 'data' (Data), net.prototxt:1: {said}"
