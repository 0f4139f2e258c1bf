"""WindowData: Caffe's windows, pixel for pixel, what is drawn, and every way in which it cannot be built or run."""

import cv2
import numpy as np
import pytest

from cafpy.backend import Backend
from cafpy.errors import CafpyError
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.binary import array_to_blob
from cafpy.proto.text import parse
from cafpy.testing.case import Case
from cafpy.testing.golden.data import run_batches

IMAGE = "# {}\n{}\n3\n20\n24\n{}\n"


def write_files(folder):
    """Two images of 20×24 with five windows, of which two are foreground (classes 2 and 5), and two background."""
    rng = np.random.default_rng(3)
    for name in ("a b.png", "c.png"):
        cv2.imwrite(str(folder / name), rng.integers(1, 256, (20, 24, 3)).astype(np.uint8))
    first = IMAGE.format(0, "a b.png", 3) + "2 0.5 2 3 10 12\n0 0 0 0 5 5\n1 0.4 4 4 9 9\n"
    (folder / "windows.txt").write_text(first + "\n" + IMAGE.format(1, "c.png", 2) + "5 1 0 0 23 19\n0 .1 6 6 9 19\n")
    files = {
        "no_index": "c.png\n3\n20\n24\n0\n",
        "no_count": "# 0\nc.png\n3\n20\n24\n1 .5 0 0 3 3\n",
        "too_few": IMAGE.format(0, "c.png", 2) + "1 .5 0 0 3 3\n",
        "cut_off": "# 0\nc.png\n3\n",
        "five_numbers": IMAGE.format(0, "c.png", 2) + "1 .5 0 0 3 3\n1 .5 0 0 3\n",
        "no_number": IMAGE.format(0, "c.png", 1) + "1 .5 0 0 3 cat\n",
        "inside_out": IMAGE.format(0, "c.png", 2) + "1 .5 0 0 3 3\n1 .5 9 0 3 3\n",
        "empty": "",
        "no_background": IMAGE.format(0, "c.png", 1) + "1 .5 0 0 3 3\n",
        "class_0": IMAGE.format(0, "c.png", 2) + "0 .2 0 0 3 3\n0 .6 0 0 3 3\n",
        "outside": IMAGE.format(0, "c.png", 1) + "0 0 0 0 24 3\n",
        "missing": IMAGE.format(0, "d.png", 1) + "0 0 0 0 9 3\n",
    }
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text)
    for name, shape in (("mean", (1, 3, 10, 12)), ("small_mean", (1, 3, 5, 12))):
        mean = array_to_blob(np.arange(np.prod(shape), dtype=np.float32).reshape(shape))
        (folder / f"{name}.binaryproto").write_bytes(mean.SerializeToString())


def window_data(options="bg_threshold: 0.3", transform="crop_size: 8", source="windows.txt", batch_size=8):
    text = f'window_data_param {{ source: "{source}" batch_size: {batch_size} {options} }}'
    return f'type: "WindowData" {text} transform_param {{ {transform} }}'


CASES = [
    Case("warp", window_data(), tops=2, files=write_files, stochastic=True),
    Case(
        "square_with_context",
        window_data('crop_mode: "square" context_pad: 2 fg_fraction: 0.5 scale: 0.5', "crop_size: 9 mirror: true"),
        files=write_files,
        stochastic=True,
    ),
    Case(
        "mean_image",
        window_data("cache_images: true", 'crop_size: 8 mean_file: "mean.binaryproto" mirror: true'),
        tops=2,
        files=write_files,
        stochastic=True,
    ),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    return tmp_path


def make_net(layer, seed=0):
    text = f'layer {{ name: "data" top: "data" top: "label"\n{layer} }}'
    return Net(parse(text, pb.NetParameter(), "net.prototxt"), pb.TRAIN, seed=seed)


def run(layer, count=1, seed=0):
    net = make_net(layer, seed)
    batches = []
    for _ in range(count):
        net.forward()
        batches.append([net.blobs[name].data.copy() for name in ("data", "label")])
    net.close()
    return batches


def test_every_recorded_batch(golden):
    files = sorted((golden / "data/batches").glob("WindowData__*.npz"))
    assert len(files) >= 8
    problems = [outcome.problems for file in files for outcome in run_batches(file, Backend())]
    assert problems == [[]] * len(files)


def test_background_comes_first_then_foreground(folder):
    batches = run(window_data("bg_threshold: 0.3 fg_fraction: 0.45"), 20)
    labels = np.stack([batch[1] for batch in batches]).astype(int)
    assert (labels[:, :5] == 0).all()
    assert set(labels[:, 5:].ravel()) == {2, 5}
    image = cv2.imread("a b.png").transpose(2, 0, 1)
    wanted = cv2.resize(image[:, 0:6, 0:6].transpose(1, 2, 0), (8, 8)).transpose(2, 0, 1)
    drawn = np.concatenate([batch[0][:5] for batch in batches])
    kinds = [(item == wanted).all() for item in drawn]
    assert 20 < sum(kinds) < 80  # the other one of the two background windows


def test_mirrors_half_of_the_windows(folder):
    plain = run(window_data(), 8)
    mirrored = run(window_data(transform="crop_size: 8 mirror: true"), 8)
    kinds = []
    for (ours, _), (theirs, _) in zip(mirrored, plain, strict=True):
        for item, other in zip(ours, theirs, strict=True):
            kinds.append((item == other[:, :, ::-1]).all())
            assert kinds[-1] or (item == other).all()
    assert 16 < sum(kinds) < 48


def test_a_mirrored_window_has_its_padding_on_the_other_side(folder):
    options = "bg_threshold: 0.3 fg_fraction: 0 context_pad: 2"
    plain = run(window_data(options), 2)
    mirrored = run(window_data(options, "crop_size: 8 mirror: true"), 2)
    seen = set()
    for (ours, _), (theirs, _) in zip(mirrored, plain, strict=True):
        for item, other in zip(ours, theirs, strict=True):
            flipped = not (item == other).all()
            seen.add(flipped)
            empty = (item == 0).all(axis=(0, 1)), (other == 0).all(axis=(0, 1))
            np.testing.assert_array_equal(empty[0], empty[1][::-1] if flipped else empty[1])
    assert seen == {True, False}


def test_subtracts_the_middle_of_the_mean_image_and_scales(folder):
    plain = run(window_data())[0][0]
    mean = np.arange(360, dtype=np.float32).reshape(3, 10, 12)[:, 2:10, 2:10]
    for where in ("window_data_param", "transform_param"):
        scale = {where: "scale: 0.5"}
        layer = window_data(
            f"bg_threshold: 0.3 {scale.get('window_data_param', '')}",
            f'crop_size: 8 mean_file: "mean.binaryproto" {scale.get("transform_param", "")}',
        )
        np.testing.assert_array_equal(run(layer)[0][0], (plain - mean) * 0.5)


def test_keeping_the_files_in_memory_changes_nothing(folder):
    for ours, theirs in zip(run(window_data("cache_images: true"), 3), run(window_data(""), 3), strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])


def test_goes_on_where_the_state_says_with_the_saved_seed(folder):
    layer = window_data(transform="crop_size: 8 mirror: true")
    net, again = make_net(layer, 5), make_net(layer, 6)
    net.forward()
    state = net.layers[0].state()
    net.forward()
    again.layers[0].seed = net.layers[0].seed
    again.layers[0].load_state(state)
    again.forward()
    np.testing.assert_array_equal(net.blobs["data"].data, again.blobs["data"].data)
    np.testing.assert_array_equal(net.blobs["label"].data, again.blobs["label"].data)
    net.close()
    again.close()


FORM = "# index, then on a line each path, channels, height, width, number of windows, then the windows"
NUMBERS = "class overlap x1 y1 x2 y2"


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (window_data(source=""), 'source is missing; write `window_data_param { source: "window_file.txt" … }`'),
        (window_data(batch_size=0), "batch_size is missing; write `window_data_param { batch_size: 64 … }`"),
        (window_data(transform=""), "crop_size is missing; write `transform_param { crop_size: 227 … }`"),
        (
            window_data(transform="crop_size: 8 rotate_param {} erase_param {}"),
            "rotate_param, erase_param: WindowData only cuts, resizes and mirrors its windows; remove it",
        ),
        (window_data("fg_fraction: 25"), "fg_fraction: 25 is no part of a batch; use 0 to 1"),
        (
            window_data('crop_mode: "sqare"'),
            "crop_mode: 'sqare' (did you mean 'square'?) is unknown; use \"warp\" or \"square\"",
        ),
        (
            window_data("context_pad: 4"),
            "context_pad: 4 on both sides leaves nothing of crop_size 8; use at most 3",
        ),
        (
            window_data("scale: 2", "crop_size: 8 scale: 3"),
            "scale is given in window_data_param and in transform_param; keep one",
        ),
        (window_data(transform="crop_size: 8 mean_value: 1 mean_value: 2"), "the mean has 2 channels; windows have 3"),
        (
            window_data(transform='crop_size: 8 mean_file: "small_mean.binaryproto"'),
            "mean_file: 'small_mean.binaryproto' is 5×12 (height × width), from which no square of crop_size 8 can be "
            "cut 2 pixels from top and left; use a square mean, or mean_value",
        ),
        (window_data(source="nope.txt"), "the window file 'nope.txt' does not exist (looked in FOLDER)"),
        (
            window_data(source="no_index.txt"),
            f"no_index.txt:1: 'c.png' where an image begins with '# index'; the form is: {FORM}",
        ),
        (
            window_data(source="no_count.txt"),
            f"no_count.txt:6: '1 .5 0 0 3 3' where the number of windows is wanted; the form is: {FORM}",
        ),
        (window_data(source="too_few.txt"), "too_few.txt:1: 'c.png' has 2 windows, but the file ends after 1"),
        (
            window_data(source="cut_off.txt"),
            f"cut_off.txt:3: the file ends where the height is wanted; the form is: {FORM}",
        ),
        (
            window_data(source="five_numbers.txt"),
            f"five_numbers.txt:8: '1 .5 0 0 3' where a window is wanted, six numbers: {NUMBERS}",
        ),
        (
            window_data(source="no_number.txt"),
            f"no_number.txt:7: '1 .5 0 0 3 cat' where a window is wanted, six numbers: {NUMBERS}",
        ),
        (
            window_data(source="inside_out.txt"),
            "inside_out.txt:8: window '1 .5 9 0 3 3': class and box must be whole numbers, with x1 <= x2 and y1 <= y2 "
            f"({NUMBERS})",
        ),
        (window_data(source="empty.txt"), f"the window file 'empty.txt' holds no window; its form is: {FORM}"),
        (
            window_data(source="no_background.txt"),
            "'no_background.txt' has no background window, with an overlap of less than 0.3 (bg_threshold), but 6 of a "
            "batch of 8 shall be background; change the threshold or fg_fraction",
        ),
        (
            window_data("fg_threshold: 1.5"),
            "'windows.txt' has no foreground window, with an overlap of at least 1.5 (fg_threshold), but 2 of a batch "
            "of 8 shall be foreground; change the threshold or fg_fraction",
        ),
        (
            window_data(source="class_0.txt"),
            "class_0.txt:8: a window of class 0 has overlap 0.6, which makes it foreground (fg_threshold 0.5); class 0 "
            "is the background, number the others 1, 2, …",
        ),
        (
            window_data("fg_fraction: 0", source="outside.txt"),
            "outside.txt:7: window '0 0 24 3' of image 'c.png' lies outside of the image, 20×24 (height × width); "
            "boxes count from 0, and the last column and row belong to them",
        ),
        (
            window_data('fg_fraction: 0 root_folder: "x/"', source="missing.txt"),
            "image 'x/d.png' does not exist (looked in FOLDER)",
        ),
    ],
)
def test_refuses(folder, layer, said):
    with pytest.raises(CafpyError) as raised:
        make_net(layer)
    assert str(raised.value) == f"layer 'data' (WindowData), net.prototxt:1: {said.replace('FOLDER', str(folder))}"
