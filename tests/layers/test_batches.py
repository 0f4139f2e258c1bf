"""What holds for all layers that read: ranks read disjoint parts, orders do not depend on threads, mixed labels."""

import cv2
import h5py
import numpy as np
import pytest

from cafpy.backend import Backend
from cafpy.errors import CafpyError
from cafpy.feed.backends import create_database
from cafpy.feed.datum import image_to_datum
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse

COUNT = 11


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Eleven images whose pixels and labels are their number, in each form there is."""
    monkeypatch.chdir(tmp_path)
    images = np.arange(COUNT, dtype=np.uint8)[:, None, None, None].repeat(3, 1).repeat(4, 2).repeat(4, 3)
    with create_database("lmdb") as database:
        for i, image in enumerate(images):
            database.put(f"{i:08d}".encode(), image_to_datum(image, i).SerializeToString())
    windows = []
    for i, image in enumerate(images):
        cv2.imwrite(f"{i}.png", image.transpose(1, 2, 0))
        windows.append(f"# {i}\n{i}.png\n3\n4\n4\n2\n{i + 1} 1 0 0 3 3\n0 0 0 0 3 3\n")
    (tmp_path / "list.txt").write_text("".join(f"{i}.png {i}\n" for i in range(COUNT)))
    (tmp_path / "windows.txt").write_text("".join(windows))
    for name, rows in (("a", slice(0, 4)), ("b", slice(4, 5)), ("c", slice(5, COUNT))):
        with h5py.File(f"{name}.h5", "w") as file:
            file["data"], file["label"] = images[rows], np.arange(COUNT)[rows]
    (tmp_path / "hdf5.txt").write_text("a.h5\nb.h5\nc.h5\n")
    return tmp_path


LAYERS = {
    "Data": 'data_param {{ source: "lmdb" backend: LMDB batch_size: {size} shuffle: {shuffle} }}',
    "ImageData": 'image_data_param {{ source: "list.txt" batch_size: {size} shuffle: {shuffle} }}',
    "HDF5Data": 'hdf5_data_param {{ source: "hdf5.txt" batch_size: {size} shuffle: {shuffle} }}',
}


def net_of(kind, options, rank=0, world=1, transform="", phase=pb.TRAIN, seed=5):
    backend = Backend()
    backend.rank, backend.world = rank, world
    text = f'layer {{ name: "data" type: "{kind}" top: "data" top: "label" {options} {transform} }}'
    return Net(parse(text, pb.NetParameter(), "net.prototxt"), phase, backend=backend, seed=seed)


def labels(net, count):
    out = []
    for _ in range(count):
        net.forward()
        batch = net.blobs["label"].data.ravel().astype(int).tolist()
        assert net.blobs["data"].data[:, 0, 0, 0].astype(int).tolist() == batch
        out.append(batch)
    return out


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("shuffle", ["false", "true"])
@pytest.mark.parametrize(("world", "size"), [(2, 2), (3, 2), (3, 5), (2, 11)])
def test_ranks_read_disjoint_parts_that_together_are_all(files, kind, shuffle, world, size):
    passes = 6
    iterations = -(-passes * COUNT // (world * size))
    parts = []
    for rank in range(world):
        net = net_of(kind, LAYERS[kind].format(size=size, shuffle=shuffle), rank, world)
        parts.append(labels(net, iterations))
        net.close()
    whole = net_of(kind, LAYERS[kind].format(size=size * world, shuffle=shuffle))
    wanted = labels(whole, iterations)
    whole.close()
    for i in range(iterations):  # one step of all ranks is one step of a single one with a batch as large
        assert sorted(label for part in parts for label in part[i]) == sorted(wanted[i])
    stream = [label for batch in wanted for label in batch]
    epochs = [stream[k * COUNT : (k + 1) * COUNT] for k in range(passes)]
    assert all(sorted(epoch) == list(range(COUNT)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == (1 if shuffle == "false" else passes)


@pytest.mark.parametrize("kind", LAYERS)
def test_a_shuffled_run_goes_on_in_the_middle_of_a_pass(files, kind):
    options = LAYERS[kind].format(size=3, shuffle="true")
    net = net_of(kind, options, 1, 2)
    wanted = labels(net, 9)
    net.close()
    for stop in (1, 4, 5):
        first, second = net_of(kind, options, 1, 2), net_of(kind, options, 1, 2)
        labels(first, stop)
        second.layers[0].load_state(first.layers[0].state())
        assert labels(second, 9 - stop) == wanted[stop:]
        first.close(), second.close()


def test_memory_data_and_ranks(files):
    out = []
    for rank in (0, 1):
        net = net_of("MemoryData", "memory_data_param { batch_size: 2 channels: 3 height: 4 width: 4 }", rank, 2)
        assert net.layers[0].records() is None
        net.layers[0].set_arrays(
            np.arange(6.0)[:, None, None, None].repeat(3, 1).repeat(4, 2).repeat(4, 3), np.arange(6)
        )
        assert net.layers[0].records() == 6
        out.append(labels(net, 3))
    assert out == [[[0, 1], [4, 5], [2, 3]], [[2, 3], [0, 1], [4, 5]]]


def test_window_data_and_ranks(files):
    """Every rank has the wanted share of foreground, and draws of its own."""
    options = 'window_data_param { source: "windows.txt" batch_size: 4 fg_fraction: 0.5 }'
    batches = []
    for rank in (0, 1, 2):
        net = net_of("WindowData", options, rank, 3, "transform_param { crop_size: 4 }")
        assert net.layers[0].records() == 2 * COUNT
        batches.append([])
        for _ in range(4):
            net.forward()
            found = net.blobs["label"].data.tolist()
            assert [bool(label) for label in found] == [False, False, True, True]
            batches[-1] += found
        net.close()
    assert batches[0] != batches[1] != batches[2]


def test_dummy_data_and_ranks():
    options = 'dummy_data_param { shape { dim: 3 } data_filler { type: "gaussian" } }'
    drawn = []
    for rank in (0, 1):
        net = net_of("DummyData", options, rank, 2)
        for _ in range(2):
            net.forward()
            drawn.append(net.blobs["data"].data.tobytes())
    assert len(set(drawn)) == 4


MIX = "mix_param { mixup_alpha: 0.4 cutmix_alpha: 1 classes: 11 }"


@pytest.mark.parametrize("kind", ["Data", "ImageData"])
def test_mixed_labels_are_shares_in_train_only(files, kind):
    options = LAYERS[kind].format(size=4, shuffle="true")
    net = net_of(kind, options, transform=f"transform_param {{ {MIX} }}")
    soft = []
    for _ in range(6):
        net.forward()
        soft.append(net.blobs["label"].data.copy())
        assert soft[-1].shape == (4, 11)
        means = net.blobs["data"].data.mean(axis=(1, 2, 3))
        np.testing.assert_allclose(means, soft[-1] @ np.arange(11), rtol=1e-4, atol=1e-4)
    assert any(batch.max() < 1 for batch in soft)
    net.close()
    net = net_of(kind, options, transform=f"transform_param {{ {MIX} }}", phase=pb.TEST)
    assert net.blobs["label"].shape == (4,)
    net.close()


@pytest.mark.parametrize(
    ("kind", "options", "transform", "said"),
    [
        ("Data", LAYERS["Data"].format(size=4, shuffle="false"), "mix_param { mixup_alpha: 1 }", "classes is missing"),
        (
            "WindowData",
            'window_data_param { source: "windows.txt" batch_size: 4 }',
            f"crop_size: 4 {MIX}",
            "mix_param: WindowData only cuts",
        ),
        (
            "WindowData",
            'window_data_param { source: "windows.txt" batch_size: 4 }',
            "crop_h: 4 crop_w: 4",
            "windows are squares; write crop_size",
        ),
    ],
)
def test_mistakes(files, kind, options, transform, said):
    with pytest.raises(CafpyError, match=said):
        net_of(kind, options, transform=f"transform_param {{ {transform} }}")


def test_mixing_needs_the_labels(files):
    text = f'layer {{ name: "d" type: "Data" top: "data" {LAYERS["Data"].format(size=4, shuffle="false")} '
    with pytest.raises(CafpyError, match="name a second top"):
        Net(parse(text + f"transform_param {{ {MIX} }} }}", pb.NetParameter()), pb.TRAIN)
