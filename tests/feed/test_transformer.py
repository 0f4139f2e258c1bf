import numpy as np
import pytest
from google.protobuf import text_format

from cafpy.errors import DataError, WeightsError
from cafpy.feed.convert.mean import write_mean
from cafpy.feed.transformer import Transformer, draws, transform, transform_batch, transform_plain
from cafpy.proto import cafpy_pb2 as pb


def transformer(text="", phase=pb.TRAIN) -> Transformer:
    return Transformer(text_format.Parse(text, pb.TransformationParameter()), phase)


def message(function, *args) -> str:
    with pytest.raises(DataError) as error:
        function(*args)
    return str(error.value)


@pytest.mark.parametrize("mirror", [0, 1])
@pytest.mark.parametrize("mean_shape", [(1, 1, 1), (3, 1, 1), (3, 9, 11)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_kernel_does_what_the_plain_body_does(pixels, dtype, mean_shape, mirror):
    images = pixels(4, 3, 9, 11).astype(dtype)
    mean = pixels(*mean_shape).astype(np.float32) + np.float32(0.3)
    scale = np.float32(0.017)
    wanted, found = np.empty((2, 4, 3, 5, 6), np.float32)
    places = np.array([[i, 5 - i, mirror] for i in range(4)])
    for image, (top, left, _), target in zip(images, places, wanted, strict=True):
        transform_plain(image, top, left, mirror, mean, scale, target)
    for image, (top, left, _), target in zip(images, places, found, strict=True):
        transform(image, top, left, mirror, mean, scale, target)
    np.testing.assert_array_equal(found, wanted)
    found[...] = 0
    transform_batch(images, places, mean, scale, found)
    np.testing.assert_array_equal(found, wanted)


def test_test_phase_crops_in_the_middle(pixels):
    images = pixels(2, 1, 7, 8)
    out = np.empty((2, 1, 4, 4), np.float32)
    cut = transformer("crop_size: 4", pb.TEST)
    assert not cut.random
    cut.apply(images, out)
    np.testing.assert_array_equal(out, images[:, :, 1:5, 2:6])
    cut.apply(list(images), out, draws(1, 0, 2))  # one by one, and with random numbers that it does not want
    np.testing.assert_array_equal(out, images[:, :, 1:5, 2:6])


def test_train_phase_crops_everywhere():
    rows = np.arange(6 * 9).reshape(1, 1, 6, 9).astype(np.float32)
    images = np.repeat(rows, 600, axis=0)
    out = np.empty((600, 1, 4, 4), np.float32)
    cut = transformer("crop_size: 4")
    assert cut.random
    cut.apply(images, out, draws(3, 0, 600))
    tops, lefts = np.divmod(out[:, 0, 0, 0].astype(int), 9)
    np.testing.assert_array_equal(out - out[:, :, :1, :1], np.broadcast_to(rows[..., :4, :4], out.shape))
    counts = np.histogram2d(tops, lefts, [range(4), range(7)])[0]
    assert counts.shape == (3, 6) and counts.min() > 15 and counts.max() < 60  # 33 expected


@pytest.mark.parametrize("phase", [pb.TRAIN, pb.TEST])
def test_mirror_is_random_in_both_phases(pixels, phase):
    image = pixels(1, 3, 4)
    images = np.repeat(image[None], 400, axis=0)
    out = np.empty(images.shape, np.float32)
    transformer("mirror: true", phase).apply(images, out, draws(0, 0, 400))
    mirrored = (out == image[:, :, ::-1]).all((1, 2, 3))
    np.testing.assert_array_equal(out[~mirrored], images[~mirrored])
    assert 150 < mirrored.sum() < 250
    transformer("mirror: true", phase).apply(images, out)
    np.testing.assert_array_equal(out, images)


def test_images_of_different_sizes(pixels):
    images = [pixels(3, 5, 9), pixels(3, 8, 4)]
    out = np.empty((2, 3, 4, 4), np.float32)
    transformer("crop_size: 4 scale: 2", pb.TEST).apply(images, out)
    np.testing.assert_array_equal(out[0], images[0][:, 0:4, 2:6] * 2.0)
    np.testing.assert_array_equal(out[1], images[1][:, 2:6, 0:4] * 2.0)


def test_random_numbers_belong_to_positions():
    words = draws(7, 1000, 50)
    np.testing.assert_array_equal(draws(7, 1020, 5), words[20:25])
    np.testing.assert_array_equal(draws(7, 1010, 5, step=8), words[10:50:8])
    assert len(np.unique(words)) == words.size
    assert not np.array_equal(draws(8, 1000, 50), words)
    assert draws(2**64 - 1, 2**40, 3).shape == (3, 4)


def test_same_window_of_image_and_mean(pixels, tmp_path):
    mean = pixels(3, 6, 7).astype(np.float32)
    write_mean(tmp_path / "mean.binaryproto", mean)
    images = pixels(20, 3, 6, 7)
    out, wanted = np.empty((2, 20, 3, 2, 2), np.float32)
    words = draws(0, 0, 20)
    options = "crop_size: 2 mirror: true scale: 0.5"
    transformer(f'mean_file: "{tmp_path}/mean.binaryproto" {options}').apply(images, out, words)
    transformer(options).apply(images - mean, wanted, words)
    np.testing.assert_array_equal(out, wanted)


def test_output_shape_and_what_does_not_fit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_mean("mean.binaryproto", np.zeros((3, 20, 24), np.float32))
    assert transformer().output_shape(3, 28, 34) == (3, 28, 34)
    assert transformer("crop_size: 20").output_shape(1, 28, 34) == (1, 20, 20)
    by = "(channels × height × width)"
    for text, shape, problem in [
        (
            "crop_size: 100",
            (3, 28, 34),
            "crop_size: 100 is larger than the image, 28×34 (height × width); use at most 28, or larger images",
        ),
        (
            'mean_file: "mean.binaryproto"',
            (3, 28, 34),
            f"mean_file: 'mean.binaryproto' is 3×20×24, but the image is 3×28×34 {by}; make the mean of the same "
            "database, or use one mean_value a channel",
        ),
        (
            "mean_value: 104 mean_value: 117.5",
            (3, 28, 34),
            "mean_value: 2 values (104, 117.5) for an image of 3 channels; give one value or 3",
        ),
        (
            "mean_value: 104 mean_value: 117.5",
            (1, 28, 34),
            "mean_value: 2 values (104, 117.5) for an image of 1 channel; give one value",
        ),
    ]:
        assert message(transformer(text).output_shape, *shape) == problem


def test_options_that_contradict_each_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message(transformer, "force_color: true force_gray: true") == (
        "force_color and force_gray contradict each other; set one of them"
    )
    assert message(transformer, 'mean_file: "m.binaryproto" mean_value: 100') == (
        "mean_file ('m.binaryproto') and mean_value (100) are both given; keep one"
    )
    with pytest.raises(WeightsError, match=r"'nope\.binaryproto' does not exist"):
        transformer('mean_file: "nope.binaryproto"')


def test_color():
    assert transformer().color is None
    assert transformer("force_color: true").color is True
    assert transformer("force_gray: true").color is False
