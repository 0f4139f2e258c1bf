"""balance_classes: labels counted in every kind of data layer, through splits, and said where nobody can."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from cafpy.errors import NetError
from cafpy.feed.backends import create_database
from cafpy.feed.datum import image_to_datum
from cafpy.feed.image import encode_image
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse

LABELS = [0, 2, 2, 1, 2, 2, 0, 2]
WEIGHTS = [8 / 3 / 2, 8 / 3 / 1, 8 / 3 / 5]


def database(kind):
    if kind == "LEVELDB":
        pytest.importorskip("plyvel")
    with create_database("db", kind) as database:
        for i, label in enumerate(LABELS):
            image = np.full((1, 2, 2), i, np.uint8)
            database.put(f"{i:04d}".encode(), image_to_datum(image, label).SerializeToString())
    return f'type: "Data" data_param {{ source: "db" batch_size: 3 backend: {kind} }}'


def images():
    for i in range(len(LABELS)):
        Path(f"{i}.png").write_bytes(encode_image(np.full((3, 2, 2), i, np.uint8), "png"))
    Path("list.txt").write_text("".join(f"{i}.png {label}\n" for i, label in enumerate(LABELS)))
    return 'type: "ImageData" image_data_param { source: "list.txt" batch_size: 3 shuffle: true }'


def hdf5():
    for name, part in (("a.h5", LABELS[:3]), ("b.h5", LABELS[3:])):
        with h5py.File(name, "w") as file:
            file["data"] = np.zeros((len(part), 1, 2, 2), np.float32)
            file["label"] = np.array(part, np.float32)
    Path("list.txt").write_text("a.h5\nb.h5\n")
    return 'type: "HDF5Data" hdf5_data_param { source: "list.txt" batch_size: 3 }'


def make_net(data, between="", label="label", options="balance_classes: true"):
    text = f"""
    layer {{ name: "data" top: "data" top: "label" {data} }} {between}
    layer {{ name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param {{ num_output: 3 }} }}
    layer {{ name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" }}
    layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "{label}" top: "loss"
             loss_param {{ {options} }} }}
    """
    return Net(parse(text, pb.NetParameter(), "net.prototxt"), pb.TRAIN)


@pytest.mark.parametrize("data", [lambda: database("LMDB"), lambda: database("LEVELDB"), images, hdf5])
@pytest.mark.parametrize("reshaped", [False, True], ids=["", "reshaped"])
def test_weights_come_from_the_data(tmp_path, monkeypatch, data, reshaped):
    monkeypatch.chdir(tmp_path)
    between = 'layer { name: "flat" type: "Reshape" bottom: "label" top: "flat" reshape_param { shape { dim: -1 } } }'
    net = make_net(data(), *((between, "flat") if reshaped else ()))
    try:
        np.testing.assert_allclose(net.layers[-1].weights.array, WEIGHTS, rtol=1e-6)
        net.forward()  # and the first batch is still the first
        if "ImageData" not in str(net.param.layer[0].type):
            np.testing.assert_array_equal(net.blobs["label"].data.ravel(), LABELS[:3])
    finally:
        net.close()


def test_ignored_labels_do_not_count(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = make_net(database("LMDB"), options="balance_classes: true ignore_label: 2")
    np.testing.assert_allclose(net.layers[-1].weights.array, [3 / 2 / 2, 3 / 2 / 1, 0], rtol=1e-6)
    net.close()


def test_damaged_records_do_not_count(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = database("LMDB")
    with create_database("db2", "LMDB") as other:
        image = image_to_datum(np.zeros((1, 2, 2), np.uint8), 1).SerializeToString()
        for i, value in enumerate((image, image[:-3], b"\xff\xff", image)):
            other.put(f"{i}".encode(), value)
    net = make_net(data.replace('"db"', '"db2"'))
    np.testing.assert_allclose(net.layers[-1].weights.array, [0, 1, 0])
    net.close()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            'type: "DummyData" dummy_data_param { shape { dim: 3 dim: 4 } shape { dim: 3 } }',
            "layer 'loss' (SoftmaxWithLoss), net.prototxt:5: balance_classes: the labels 'label' come from layer "
            "'data' (DummyData), net.prototxt:2, which cannot count them; labels can be counted that a Data, ImageData "
            "or HDF5Data layer brings; give class_weight instead",
        ),
        (
            None,
            "layer 'loss' (SoftmaxWithLoss), net.prototxt:5: balance_classes: label 7 is in the data, but 'ip' has 3 "
            "classes, 0 to 2",
        ),
    ],
)
def test_says_where_it_cannot(tmp_path, monkeypatch, data, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(f"{__name__}.LABELS", [*LABELS[:-1], 7])
    with pytest.raises(NetError) as raised:
        make_net(data or database("LMDB"))
    assert str(raised.value) == said
