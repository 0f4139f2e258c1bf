"""RandAugment: each of its changes does what the paper says, and draws depend on seed and position alone."""

import cv2
import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.augment import rand_augment as module
from cafpy.feed.augment.draw import generator
from cafpy.feed.augment.rand_augment import CHANGES, check_rand_augment, rand_augment
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse

MEAN = np.array([10, 20, 30], np.uint8)
FILL = MEAN.tolist()


@pytest.fixture
def image():
    rng = np.random.default_rng(5)
    return cv2.GaussianBlur(rng.integers(0, 256, (32, 40, 3)).astype(np.uint8), (5, 5), 2)


def change(name, image, strength):
    return getattr(module, name)(image, strength, FILL).reshape(image.shape)


@pytest.mark.parametrize("name", [c.__name__ for c in CHANGES])
@pytest.mark.parametrize("channels", [1, 3])
def test_nothing_at_strength_0_and_something_at_1(image, name, channels):
    image = np.ascontiguousarray(image[:, :, :channels])
    before = image.copy()
    if name not in ("_auto_contrast", "_equalize"):  # which have no strength
        assert np.abs(change(name, image, 0.0).astype(int) - image).max() <= (name == "_solarize") * 255
        assert (change(name, image, 0.0) != image).mean() < 0.01
    for strength in (1.0, -1.0):
        out = change(name, image, strength)
        assert out.dtype == np.uint8 and out.shape == image.shape
        same = name == "_identity" or (name == "_colour" and channels == 1)
        assert np.array_equal(out, image) == same
    np.testing.assert_array_equal(image, before)


def test_what_they_do(image):
    flat = np.full((4, 4, 3), 100, np.uint8)
    assert (change("_brightness", flat, 0.5) == 145).all()
    assert (change("_brightness", flat, -1) == 10).all()
    assert (change("_solarize", flat, 1) == 155).all() and (change("_solarize", flat, 0.5) == 100).all()
    assert (change("_posterize", flat, 1) == 96).all()
    assert (change("_contrast", image, -1).std() / image.std()) == pytest.approx(0.1, abs=0.02)
    gray = change("_colour", image, -1)
    assert np.ptp(gray.astype(int), axis=2).mean() < 0.2 * np.ptp(image.astype(int), axis=2).mean()
    stretched = change("_auto_contrast", image, 1)
    assert stretched.min(axis=(0, 1)).tolist() == [0] * 3 and stretched.max(axis=(0, 1)).tolist() == [255] * 3
    moved = change("_translate_x", image, 331 / 150 * 0.25)
    np.testing.assert_array_equal(moved[:, 10:], image[:, :30])
    assert (moved[:, :10] == MEAN).all()
    moved = change("_translate_y", image, -331 / 150 * 0.25)
    np.testing.assert_array_equal(moved[:24], image[8:])
    half_turned = change("_shear_x", image[::-1, ::-1].copy(), 1.0)[::-1, ::-1]
    np.testing.assert_allclose(change("_shear_x", image, 1.0).astype(int), half_turned, atol=1)  # about the middle


def test_n_and_prob(image, monkeypatch):
    calls = []

    def count(image, strength, fill):
        calls.append(strength)
        return image

    monkeypatch.setattr(module, "CHANGES", (count,) * 14)
    param = parse("n: 3 magnitude: 15", pb.RandAugmentParameter())
    for seed in range(40):
        rand_augment(image, param, MEAN, generator(seed, 0))
    assert len(calls) == 120 and set(calls) == {0.5, -0.5}
    calls.clear()
    param = parse("n: 1 prob: 0.25", pb.RandAugmentParameter())
    for seed in range(400):
        rand_augment(image, param, MEAN, generator(seed, 0))
    assert 60 < len(calls) < 140


def test_seed_and_position_fix_it(image):
    param = parse("n: 2 magnitude: 20", pb.RandAugmentParameter())
    first = [rand_augment(image, param, MEAN, generator(3, i)) for i in range(20)]
    again = [rand_augment(image, param, MEAN, generator(3, i)) for i in reversed(range(20))][::-1]
    np.testing.assert_array_equal(first, again)
    assert len({out.tobytes() for out in first}) > 10


@pytest.mark.parametrize(("text", "said"), [("n: 0", "n is 0"), ("magnitude: 31", "magnitude is 31")])
def test_mistakes(text, said):
    with pytest.raises(DataError, match=said):
        check_rand_augment(parse(text, pb.RandAugmentParameter()))
