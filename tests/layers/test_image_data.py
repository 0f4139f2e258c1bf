"""ImageData: Caffe's batches, shuffling that can be resumed, and every way in which it cannot be built or run."""

import logging

import cv2
import numpy as np
import pytest

from cafpy.backend import Backend
from cafpy.errors import CafpyError
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.testing.case import Case
from cafpy.testing.golden.data import run_batches

COUNT = 7


def write_files(folder):
    """Seven images of 6×7 (one name has a space) with the labels 0 to 6, one of 9×5, and lists of them."""
    rng = np.random.default_rng(3)
    (folder / "images").mkdir()
    names = [f"images/{'a b' if i == 2 else i}.png" for i in range(COUNT)]
    for name in names:
        cv2.imwrite(str(folder / name), rng.integers(0, 256, (6, 7, 3)).astype(np.uint8))
    cv2.imwrite(str(folder / "images/tall.png"), np.zeros((9, 5, 3), np.uint8))
    (folder / "images/text.png").write_text("no pixels")
    (folder / "list.txt").write_text("".join(f"{name} {i}\n" for i, name in enumerate(names)))
    (folder / "sizes.txt").write_text("images/0.png 0\nimages/tall.png 1\n")
    (folder / "missing.txt").write_text("images/0.png 0\nimages/nope.png 1\n")
    (folder / "text.txt").write_text("images/text.png 0\n")
    (folder / "unlabelled.txt").write_text("images/0.png 0\nimages/1.png\n")


def image_data(options="", transform="", source="list.txt", batch_size=3):
    size = f"batch_size: {batch_size}" if batch_size is not None else ""
    text = f'image_data_param {{ source: "{source}" {size} {options} }} transform_param {{ {transform} }}'
    return f'type: "ImageData" {text}'


RANDOM = image_data("shuffle: true rand_skip: 5 new_height: 8 new_width: 9", "crop_size: 4 mirror: true")
CASES = [
    Case("plain", image_data(), tops=2, files=write_files),
    Case("gray_without_labels", image_data("is_color: false", "scale: 0.5 mean_value: 10"), files=write_files),
    Case("random", RANDOM, tops=2, files=write_files, stochastic=True),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
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


def labels(batches):
    return np.concatenate([batch[1] for batch in batches]).astype(int).tolist()


def test_every_recorded_batch(golden):
    files = sorted((golden / "data/batches").glob("ImageData__*.npz"))
    assert len(files) >= 16
    problems = [outcome.problems for file in files for outcome in run_batches(file, Backend())]
    assert problems == [[]] * len(files)


def test_reads_the_files_in_order_and_around(folder):
    net = make_net(image_data())
    batches = run(net, 5)
    assert labels(batches) == [i % COUNT for i in range(15)]
    wanted = cv2.imread("images/a b.png").transpose(2, 0, 1)
    np.testing.assert_array_equal(batches[0][0][2], wanted)
    net.close()


def test_each_pass_is_shuffled_anew_and_complete(folder):
    net = make_net(image_data("shuffle: true", batch_size=COUNT))
    passes = [labels([batch]) for batch in run(net, 6)]
    assert all(sorted(one) == list(range(COUNT)) for one in passes)
    assert len(set(map(tuple, passes))) > 3
    net.close()


def test_the_seed_fixes_everything(folder):
    first, same, other = (make_net(RANDOM, seed=seed) for seed in (1, 1, 2))
    ours, theirs, others = run(first, 4), run(same, 4), run(other, 4)
    assert all((a[0] == b[0]).all() and (a[1] == b[1]).all() for a, b in zip(ours, theirs, strict=True))
    assert labels(ours) != labels(others)
    for net in (first, same, other):
        net.close()


@pytest.mark.parametrize("passes", [0, 1, 4])
def test_a_run_of_another_seed_goes_on_where_the_state_says(folder, passes):
    net, again = make_net(RANDOM, seed=5), make_net(RANDOM, seed=6)
    run(net, passes)
    state = net.layers[0].state()
    expected = run(net, 3)
    run(again, 2)
    again.layers[0].seed = net.layers[0].seed
    again.layers[0].load_state(state)
    for ours, theirs in zip(run(again, 3), expected, strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])
    net.close()
    again.close()


def test_images_of_other_sizes(folder):
    net = make_net(image_data(source="sizes.txt", batch_size=1))
    assert [batch[0].shape for batch in run(net, 3)] == [(1, 3, 6, 7), (1, 3, 9, 5), (1, 3, 6, 7)]
    net.close()
    for options, transform, shape in (("new_height: 4 new_width: 6", "", (4, 6)), ("", "crop_size: 5", (5, 5))):
        net = make_net(image_data(options, transform, source="sizes.txt", batch_size=2))
        assert run(net, 1)[0][0].shape == (2, 3, *shape)
        net.close()


def test_what_is_ignored_is_said(folder, caplog):
    with caplog.at_level(logging.WARNING):
        net = make_net(image_data("scale: 0.5", "force_gray: true"))
    assert [record.getMessage() for record in caplog.records] == [
        "layer 'data' (ImageData), net.prototxt:1: scale in image_data_param is ignored; it belongs in transform_param",
        "layer 'data' (ImageData), net.prototxt:1: force_gray is ignored; ImageData has is_color in image_data_param",
    ]
    assert net.blobs["data"].shape == (3, 3, 6, 7)
    net.close()


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (image_data(source=""), 'source is missing; write `image_data_param { source: "list.txt" … }`'),
        (image_data(batch_size=0), "batch_size is missing; write `image_data_param { batch_size: 64 … }`"),
        (image_data(source="nope.txt"), "the list 'nope.txt' does not exist (looked in FOLDER)"),
        (image_data("new_height: 20"), "new_height: 20 is given without new_width; give both, or none"),
        (image_data("new_width: 9"), "new_width: 9 is given without new_height; give both, or none"),
        (
            image_data(source="unlabelled.txt"),
            "unlabelled.txt:2: 'images/1.png' has no label; write a path, a space and a whole number",
        ),
        (
            image_data('root_folder: "other/"'),
            "image 'other/images/0.png' does not exist (looked in FOLDER)",
        ),
        (
            image_data('root_folder: "images/.."'),
            "image 'images/..images/0.png' does not exist (looked in FOLDER); root_folder is put before the path as "
            'it is: write `root_folder: "images/../"`',
        ),
        (
            image_data(source="text.txt"),
            "image 'images/text.png' is no image that OpenCV can decode (JPEG, PNG, BMP, …), or it is damaged",
        ),
        (
            image_data(transform="crop_size: 100"),
            "image 'images/0.png': crop_size: 100 is larger than the image, 6×7 (height × width); use at most 6, or "
            "larger images",
        ),
    ],
)
def test_refuses(folder, layer, said):
    with pytest.raises(CafpyError) as raised:
        make_net(layer)
    assert str(raised.value) == f"layer 'data' (ImageData), net.prototxt:1: {said.replace('FOLDER', str(folder))}"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("missing.txt", "image 'images/nope.png' does not exist (looked in FOLDER)"),
        (
            "sizes.txt",
            "image 'images/tall.png' gives 3×9×5 (channels × height × width), but the first of its batch, image "
            "'images/0.png', gives 3×6×7; set new_height and new_width, or a crop_size, or batch_size: 1",
        ),
    ],
)
def test_finds_at_first_sight(folder, source, said):
    net = make_net(image_data(source=source, batch_size=2))
    with pytest.raises(CafpyError) as raised:
        net.forward()
    assert str(raised.value) == f"layer 'data' (ImageData), net.prototxt:1: {said.replace('FOLDER', str(folder))}"
    net.close()
