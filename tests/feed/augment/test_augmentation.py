"""transform_param's messages together, through the reader that nets use."""

import logging

import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.image import encode_image
from cafpy.feed.reader import BatchReader
from cafpy.feed.source import DatabaseSource
from cafpy.feed.transformer import Transformer
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse

ALL = """
crop_size: 12 mirror: true mean_value: 100 mean_value: 110 mean_value: 120 scale: 0.01
distort_param {
  brightness_prob: 0.5 brightness_delta: 32 contrast_prob: 0.5 contrast_lower: 0.5 contrast_upper: 1.5
  hue_prob: 0.5 hue_delta: 18 saturation_prob: 0.5 saturation_lower: 0.5 saturation_upper: 1.5 random_order_prob: 0.1
}
expand_param { prob: 0.5 max_expand_ratio: 2 }
rotate_param { max_angle: 10 }
random_crop_param { min_area: 0.3 }
resize_param { height: 14 width: 15 interp_mode: LINEAR interp_mode: AREA }
noise_param { prob: 0.3 gauss_blur: true saltpepper: true saltpepper_param { fraction: 0.02 } }
erase_param {}
"""


def transformer(text, phase=pb.TRAIN):
    return Transformer(parse(text, pb.TransformationParameter()), phase)


def reader(name, text, phase=pb.TRAIN, batch_size=4, **options):
    return BatchReader(DatabaseSource(name), batch_size, transformer(text, phase), **options)


def batches(count, *args, **options):
    made = reader(*args, **options)
    out = [tuple(array.copy() for array in made.next()) for _ in range(count)]
    made.close()
    return out


def message(*args, **options) -> str:
    with pytest.raises(DataError) as error:
        batches(1, *args, **options)
    return str(error.value)


@pytest.fixture(params=["raw", "encoded"])
def seven(request, make_database, pixels):
    """A database of seven images of 3×20×24."""
    images = [pixels(3, 20, 24) for _ in range(7)]
    if request.param == "encoded":
        images = [pb.Datum(data=encode_image(image, "png"), label=i, encoded=True) for i, image in enumerate(images)]
    return make_database("seven", images)


def test_same_batches_for_any_number_of_workers_and_readers(seven):
    one = batches(6, seven, ALL, seed=3, workers=1)
    assert one[0][0].shape == (4, 3, 12, 12)
    for other in (batches(6, seven, ALL, seed=3, workers=4), batches(6, seven, ALL, seed=3, prefetch=1)):
        for (data, labels), (wanted, wanted_labels) in zip(other, one, strict=True):
            assert np.array_equal(data, wanted) and np.array_equal(labels, wanted_labels)
    assert not np.array_equal(batches(1, seven, ALL, seed=4)[0][0], one[0][0])
    assert not np.array_equal(one[0][0][0], one[1][0][3])  # record 0 again, another draw
    ranks = [batches(3, seven, ALL, batch_size=2, seed=3, rank=rank, world=2) for rank in (0, 1)]
    for i in range(3):
        both = np.stack([ranks[rank][i][0][k] for k in range(2) for rank in range(2)])
        assert np.array_equal(both, one[i][0])


def test_a_position_fixes_what_is_drawn(seven):
    whole = batches(5, seven, ALL, seed=3)
    late = reader(seven, ALL, seed=3)
    late.position = 12
    assert np.array_equal(late.next()[0], whole[3][0])
    late.close()


def test_only_resizing_in_test(seven):
    alone = "crop_size: 12 mean_value: 100 mean_value: 110 mean_value: 120 scale: 0.01 resize_param { %s }"
    alone %= "height: 14 width: 15"
    plain = batches(2, seven, alone, pb.TEST)
    augmented = batches(2, seven, ALL.replace("mirror: true", ""), pb.TEST)
    for (data, _), (wanted, _) in zip(augmented, plain, strict=True):
        assert np.array_equal(data, wanted)


def test_a_random_crop_is_resized_to_crop_size(seven):
    assert batches(1, seven, "crop_size: 30 random_crop_param {}")[0][0].shape == (4, 3, 30, 30)
    assert "crop_size: 30 is larger than the image" in message(seven, "crop_size: 30 random_crop_param {}", pb.TEST)


def test_erased_parts_have_the_mean_colour_or_the_one_given(make_database):
    name = make_database("flat", [np.full((3, 10, 10), 200, np.uint8)] * 2)
    text = "mean_value: 50 scale: 0.1 erase_param { prob: 1 %s }"
    assert set(np.unique(batches(2, name, text % "")[0][0])) == {0, 15}
    values = np.unique(batches(2, name, text % "value: 60 value: 70 value: 80")[0][0])
    np.testing.assert_allclose(values, [1, 2, 3, 15], rtol=1e-6)


def test_what_cannot_be(seven, make_database, pixels):
    assert message(seven, "random_crop_param {}") == (
        "random_crop_param gives cuts of many sizes; add `crop_size`, or `resize_param { height: … width: … }`"
    )
    assert message(seven, "expand_param { max_expand_ratio: 2 }") == (
        "expand_param gives images of many sizes; add `resize_param { height: … width: … }`"
    )
    assert message(seven, "rotate_param { prob: 2 }") == "rotate_param: prob is 2; wanted 0 to 1"
    assert message(seven, "rotate_param { pad_value: 1 pad_value: 2 }") == (
        "database 'seven', record '00000000' rotate_param: pad_value: 2 values for 3 channels; give one for each"
    )
    floats = make_database("floats", [pixels(3, 5, 5).astype(np.float32)])
    assert message(floats, "rotate_param {} distort_param {}") == (
        "database 'floats', record '00000000' holds numbers, and distort_param, rotate_param work on images of bytes; "
        "remove them, or store bytes"
    )


@pytest.fixture
def damaged(make_database, pixels):
    """Twelve records, of which 0, 5 and 6 cannot be decoded."""
    whole = [pb.Datum(data=encode_image(pixels(3, 6, 6), "png"), label=i, encoded=True) for i in range(12)]
    for i in (0, 5, 6):
        whole[i].data = whole[i].data[:40]
    return make_database("damaged", whole)


def test_bad_records_are_left_out_up_to_a_limit(damaged, caplog):
    caplog.set_level(logging.WARNING)
    for workers in (1, 3):
        caplog.clear()
        made = batches(6, damaged, "max_corrupt: 3", workers=workers)
        wanted = [1, 1, 2, 3, 4, 7, 7, 7, 8, 9, 10, 11]
        assert np.concatenate([labels for _, labels in made]).tolist() == wanted * 2
        assert len(caplog.messages) == 3  # one a record, however often it comes
        assert caplog.messages[0] == (
            "database 'damaged', record '00000000' breaks off before the end of the image; was it copied or fetched "
            "whole?; left out (1 of at most 3)"
        )


def test_more_than_the_limit_end_the_run(damaged):
    made = reader(damaged, "max_corrupt: 2", batch_size=12, workers=1)
    with pytest.raises(DataError) as error:
        made.next()
    made.close()
    assert str(error.value) == (
        "database 'damaged', record '00000006' breaks off before the end of the image; was it copied or fetched "
        "whole?; with it 3 records cannot be used, and max_corrupt allows 2. `cafpy data check` lists those of a "
        "database"
    )
    assert message(damaged, "") == (
        "database 'damaged', record '00000000' breaks off before the end of the image; was it copied or fetched whole?"
    )


def test_a_batch_of_bad_records_alone(damaged):
    wanted = [1, 1, 2, 3, 4, 7, 7, 7, 8, 9, 10, 11]
    for workers in (1, 3):
        made = batches(24, damaged, "max_corrupt: 9", batch_size=1, workers=workers)
        assert np.concatenate([labels for _, labels in made]).tolist() == wanted * 2


def test_nothing_but_bad_records(make_database):
    name = make_database("bad", [pb.Datum(data=b"x", encoded=True, label=i) for i in range(3)])
    assert message(name, "max_corrupt: 9") == (
        "no record can be used; the last: database 'bad', record '00000000' is no image that OpenCV can decode (JPEG, "
        "PNG, BMP, …), or it is damaged"
    )
