"""Each change of an image by itself: what it does, and what it refuses."""

import cv2
import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.augment.distort import check_distort, distort
from cafpy.feed.augment.draw import generator
from cafpy.feed.augment.erase import check_erase, erase
from cafpy.feed.augment.noise import check_noise, noise
from cafpy.feed.augment.place import check_crop, check_expand, expand, random_cut, rotate
from cafpy.feed.augment.resize import check_resize, resize, resized_size
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse


def rng(position=0):
    return generator(7, position)


@pytest.fixture
def image():
    """A smooth colour picture of 40×60."""
    small = np.random.default_rng(1).integers(40, 200, (5, 7, 3)).astype(np.uint8)
    return cv2.resize(small, (60, 40), interpolation=cv2.INTER_LINEAR)


def param(message, text):
    return parse(text, message())


def test_draws_depend_on_seed_and_position_alone():
    assert rng(5).random() == rng(5).random()
    values = {generator(seed, position).random() for seed in range(20) for position in range(20)}
    assert len(values) == 400


def test_brightness_and_contrast(image):
    bright = param(pb.DistortionParameter, "brightness_prob: 1 brightness_delta: 30")
    shifts = set()
    for i in range(20):
        shift = distort(image, bright, rng(i)).astype(int) - image
        assert shift.max() == shift.min() and abs(shift.max()) <= 30
        shifts.add(shift.max())
    assert len(shifts) > 8 and min(shifts) < 0 < max(shifts)
    contrast = param(pb.DistortionParameter, "contrast_prob: 1 contrast_lower: 2 contrast_upper: 2")
    assert np.array_equal(distort(image, contrast, rng()), np.minimum(image.astype(int) * 2, 255))


def test_hue_and_saturation(image):
    gray = param(pb.DistortionParameter, "saturation_prob: 1 saturation_lower: 0 saturation_upper: 1e-6")
    out = distort(image, gray, rng())
    assert np.array_equal(out, np.repeat(image.max(axis=2, keepdims=True), 3, axis=2))
    hue = param(pb.DistortionParameter, "hue_prob: 1 hue_delta: 18")
    before = cv2.cvtColor(image, cv2.COLOR_BGR2HSV).astype(int)
    after = cv2.cvtColor(distort(image, hue, rng(3)), cv2.COLOR_BGR2HSV).astype(int)
    vivid = before[:, :, 1] > 80
    turn = (after - before)[:, :, 0][vivid] % 180
    assert 1 <= np.median(turn) <= 18 or 162 <= np.median(turn) <= 179
    assert np.abs((turn - np.median(turn) + 90) % 180 - 90).max() <= 3
    assert np.abs(after - before)[:, :, 2].max() <= 1
    single = image[:, :, :1]
    assert distort(single, hue, rng()) is single


def test_probabilities(image):
    half = param(pb.DistortionParameter, "brightness_prob: 0.5 brightness_delta: 60 random_order_prob: 0")
    changed = sum(not np.array_equal(distort(image, half, rng(i)), image) for i in range(200))
    assert 70 < changed < 130
    order = param(pb.DistortionParameter, "random_order_prob: 1")
    seen = {tuple(distort(image, order, rng(i))[3, 4]) for i in range(60)}
    assert len(seen) == 6 and all(sorted(pixel) == sorted(image[3, 4]) for pixel in seen)


def test_expand(image):
    fill = np.array([1, 2, 3], np.uint8)
    twice = param(pb.ExpansionParameter, "max_expand_ratio: 2")
    sizes = set()
    for i in range(30):
        canvas = expand(image, twice, fill, rng(i))
        height, width = canvas.shape[:2]
        assert 40 <= height <= 80 and 60 <= width <= 120 and abs(height / 40 - width / 60) < 0.05
        background = (canvas == fill).all(axis=2)
        rows, columns = np.flatnonzero(~background.all(axis=1)), np.flatnonzero(~background.all(axis=0))
        assert np.array_equal(canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], image)
        sizes.add((height, width))
    assert len(sizes) > 20
    assert expand(image, param(pb.ExpansionParameter, "prob: 0 max_expand_ratio: 9"), fill, rng()) is image


def test_rotate():
    image = np.zeros((31, 31, 1), np.uint8)
    image[15, 5:26] = 255
    turned = rotate(image, param(pb.RotationParameter, "max_angle: 45"), np.array([9], np.uint8), rng(2))
    rows, columns = np.nonzero(turned[:, :, 0] > 100)
    angle = np.degrees(np.arctan(np.polyfit(columns, rows, 1)[0]))
    assert 3 < abs(angle) <= 46 and turned.shape == image.shape
    assert turned[0, 0, 0] == 9 or turned[0, -1, 0] == 9  # a corner has the mean colour
    filled = rotate(image, param(pb.RotationParameter, "max_angle: 45 pad_value: 77"), np.array([9], np.uint8), rng(2))
    assert (filled == 77).any() and not (filled == 9).any()


def test_random_cut(image):
    cut = param(pb.RandomCropParameter, "min_area: 0.2 max_area: 0.5")
    areas, places = [], set()
    marked = np.dstack([*np.meshgrid(np.arange(60), np.arange(40))]).astype(np.uint8)
    for i in range(200):
        part = random_cut(marked, cut, rng(i))
        height, width = part.shape[:2]
        assert 0.7 < width / height < 1.42
        areas.append(height * width / 2400)
        places.add(tuple(part[0, 0]))
    assert 0.18 < min(areas) < 0.25 and 0.45 < max(areas) < 0.52 and len(places) > 100
    flat = param(pb.RandomCropParameter, "min_area: 1 max_area: 1 min_aspect: 1 max_aspect: 1")
    assert np.array_equal(random_cut(image, flat, rng()), image[:, 10:50])  # no draw fits


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("height: 20 width: 20", (20, 20)),
        ("height: 20 width: 20 resize_mode: FIT_SMALL_SIZE", (20, 30)),
        ("height: 30 width: 90 resize_mode: FIT_SMALL_SIZE", (60, 90)),
        ("height: 20 width: 20 resize_mode: FIT_LARGE_SIZE_AND_PAD pad_value: 7", (20, 20)),
    ],
)
def test_resize(image, text, shape):
    way = param(pb.ResizeParameter, text)
    check_resize(way)
    out = resize(image, way, None)
    assert out.shape == (*shape, 3) and resized_size(40, 60, way) == shape
    if "PAD" in text:
        assert (out[:3] == 7).all() and (out[-3:] == 7).all()
        assert np.array_equal(out[3:16], cv2.resize(image, (20, 13)))
    else:
        assert np.array_equal(out, cv2.resize(image, shape[::-1]))


def test_interpolations_are_drawn(image):
    way = param(pb.ResizeParameter, "height: 90 width: 90 interp_mode: NEAREST interp_mode: CUBIC")
    kinds = [cv2.resize(image, (90, 90), interpolation=kind) for kind in (cv2.INTER_NEAREST, cv2.INTER_CUBIC)]
    seen = [[np.array_equal(resize(image, way, rng(i)), kind) for kind in kinds].index(True) for i in range(20)]
    assert set(seen) == {0, 1}
    assert np.array_equal(resize(image, way, None), kinds[0])


def test_noise(image):
    def made(text, picture=image):
        return noise(picture, param(pb.NoiseParameter, f"prob: 1 {text}"), rng())

    assert np.array_equal(made("inverse: true"), 255 - image)
    assert set(np.unique(made("posterize: true"))) <= {32, 96, 160, 224}
    gray = made("decolorize: true")
    assert np.array_equal(gray[:, :, 0], gray[:, :, 2]) and gray.shape == image.shape
    assert np.array_equal(made("gauss_blur: true"), cv2.GaussianBlur(image, (7, 7), 1.5))
    assert (made("erode: true") <= image).all()
    assert 0 < np.abs(made("jpeg: 30").astype(int) - image).mean() < 15
    for equalised in (made("hist_eq: true"), made("clahe: true")):
        assert equalised.astype(float).std() > image.astype(float).std()
    assert np.array_equal(made("convert_to_hsv: true"), cv2.cvtColor(image, cv2.COLOR_BGR2HSV))
    assert np.array_equal(made("convert_to_lab: true"), cv2.cvtColor(image, cv2.COLOR_BGR2LAB))
    salted = made("saltpepper: true saltpepper_param { fraction: 0.1 }")
    changed = (salted != image).any(axis=2)
    assert 0.05 < changed.mean() <= 0.1 and set(np.unique(salted[changed])) == {0, 255}
    spots = made("saltpepper: true saltpepper_param { fraction: 0.1 value: 1 value: 2 value: 3 }")
    assert (spots[(spots != image).any(axis=2)] == [1, 2, 3]).all()
    single = np.ascontiguousarray(image[:, :, :1])
    every = "hist_eq: true clahe: true jpeg: 50 gauss_blur: true erode: true decolorize: true posterize: true"
    assert made(every, single).shape == single.shape
    assert noise(image, pb.NoiseParameter(inverse=True), rng()) is image


def test_erase():
    way = param(pb.ErasingParameter, "prob: 1 min_area: 0.1 max_area: 0.3")
    for i in range(100):
        out = np.ones((2, 40, 50), np.float32)
        erase(out, way, np.array([-1, -2], np.float32).reshape(2, 1, 1), rng(i))
        rows, columns = np.nonzero(out[0] == -1)
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert len(rows) == height * width and (out[1] == -2).sum() == len(rows)  # a filled rectangle
        assert 0.08 < len(rows) / 2000 < 0.32 and 1 / 3.6 < width / height < 3.6


CHECKS = [
    (check_distort, pb.DistortionParameter, "contrast_prob: 1", (
        "distort_param: contrast_lower is 0 and contrast_upper 0; wanted 0 <= lower <= upper, as "
        "`contrast_lower: 0.5 contrast_upper: 1.5`")),
    (check_distort, pb.DistortionParameter, "hue_delta: -1", "distort_param: hue_delta is -1; wanted 0 or more"),
    (check_expand, pb.ExpansionParameter, "max_expand_ratio: 0.5",
        "expand_param: max_expand_ratio is 0.5; wanted 1 or more"),
    (check_crop, pb.RandomCropParameter, "max_area: 1.5",
        "random_crop_param: min_area is 0.08 and max_area 1.5; wanted 0 < min_area <= max_area <= 1"),
    (check_crop, pb.RandomCropParameter, "min_aspect: 2 max_aspect: 1",
        "random_crop_param: min_aspect is 2 and max_aspect 1; wanted 0 < min_aspect <= max_aspect"),
    (check_resize, pb.ResizeParameter, "height: 3",
        "resize_param: height is 3 and width 0; give both, as `height: 256 width: 256`"),
    (check_noise, pb.NoiseParameter, "jpeg: 101",
        "noise_param: jpeg is 101; wanted a quality of 0 to 100, or -1 for none"),
    (check_noise, pb.NoiseParameter, "saltpepper_param { fraction: 2 }",
        "noise_param: saltpepper_param's fraction is 2; wanted 0 to 1"),
    (check_erase, pb.ErasingParameter, "min_area: 0",
        "erase_param: min_area is 0 and max_area 0.33; wanted 0 < min_area <= max_area <= 1"),
    (check_erase, pb.ErasingParameter, "max_aspect: 0.5", "erase_param: max_aspect is 0.5; wanted 1 or more"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "message", "text", "wanted"), CHECKS)
def test_what_makes_no_sense(check, message, text, wanted):
    with pytest.raises(DataError) as error:
        check(param(message, text))
    assert str(error.value) == wanted
