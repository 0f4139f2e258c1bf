import json

import h5py
import numpy as np
import pytest

from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.testing.case import Case


def write_files(folder):
    """Two files with datasets t0 (n×2×3, doubles) and t1 (n, integers), listed in list.txt."""
    for name, first, count in (("a.h5", 0, 3), ("b.h5", 3, 4)):
        with h5py.File(folder / name, "w") as file:
            file["t1"] = np.arange(first, first + count)
            file["t0"] = np.arange(first * 6.0, (first + count) * 6.0).reshape(count, 2, 3)
    (folder / "list.txt").write_text("a.h5\nb.h5\n")


CASES = [
    Case(
        "two_tops",
        'type: "HDF5Data" hdf5_data_param { source: "list.txt" batch_size: 2 }',
        tops=2,
        files=write_files,
    ),
    Case(
        "shuffled",
        'type: "HDF5Data" hdf5_data_param { source: "list.txt" batch_size: 5 shuffle: true }',
        tops=2,
        files=write_files,
    ),
]


def make_net(options, tops=("t0", "t1"), more="", seed=0):
    names = " ".join(f'top: "{top}"' for top in tops)
    text = f'layer {{ name: "data" type: "HDF5Data" {names} hdf5_data_param {{ {options} }} {more} }}'
    return Net(parse(text, pb.NetParameter(), "net.prototxt"), seed=seed)


def test_every_recorded_batch(golden, monkeypatch):
    monkeypatch.chdir(golden / "data")
    paths = sorted((golden / "data/batches").glob("HDF5Data__*.npz"))
    assert len(paths) >= 6
    for path in paths:
        recorded = np.load(path)
        net = Net(parse(str(recorded["prototxt"]), pb.NetParameter()), phase=pb.Phase.Value(str(recorded["phase"])))
        tops = json.loads(str(recorded["top_names"]))
        for top in tops:
            assert list(net.blobs[top].shape) == recorded[f"setup_shape__{top}"].tolist()
        for number in range(sum(key.startswith("batch") for key in recorded) // len(tops)):
            net.forward()
            for top in tops:
                np.testing.assert_array_equal(
                    net.blobs[top].data, recorded[f"batch{number}__{top}"], f"{path} {number}"
                )
        net.close()


def test_a_state_restores_the_position_in_shuffled_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    net = make_net('source: "list.txt" batch_size: 4 shuffle: true', seed=5)
    for _ in range(3):
        net.forward()
    state = net.layers[0].state()
    net.forward()
    again = make_net('source: "list.txt" batch_size: 4 shuffle: true', seed=5)
    again.layers[0].load_state(state)
    again.forward()
    np.testing.assert_array_equal(net.blobs["t0"].data, again.blobs["t0"].data)
    np.testing.assert_array_equal(net.blobs["t1"].data, again.blobs["t1"].data)


@pytest.mark.parametrize(
    ("options", "more", "text"),
    [
        ("batch_size: 2", "", 'source is missing; write `hdf5_data_param { source: "list_of_h5_files.txt" … }`'),
        ('source: "list.txt"', "", "batch_size is missing; it must be at least 1"),
        (
            'source: "list.txt" batch_size: 2',
            "transform_param { scale: 2 }",
            "transform_param: HDF5Data does not transform data; remove it, and scale the files instead",
        ),
        ('source: "a.h5" batch_size: 2', "", "source: 'a.h5' is an HDF5 file itself; "),
    ],
)
def test_errors(tmp_path, monkeypatch, options, more, text):
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    with pytest.raises(ValueError) as error:
        make_net(options, more=more)
    assert str(error.value).startswith(f"layer 'data' (HDF5Data), net.prototxt:1: {text}")


def test_a_missing_dataset_names_the_layer(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    with pytest.raises(ValueError) as error:
        make_net('source: "list.txt" batch_size: 2', tops=("t0", "lable"))
    assert str(error.value) == (
        "layer 'data' (HDF5Data), net.prototxt:1: 'a.h5' has no dataset 'lable'; there are t0, t1 "
        "(each top is read from the dataset of its name)"
    )
