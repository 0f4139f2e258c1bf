import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.datum import datum_label, datum_to_image, image_to_datum, parse_datum, pixels_to_record
from cafpy.feed.image import encode_image
from cafpy.proto import cafpy_pb2 as pb


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_there_and_back(pixels, dtype):
    image = pixels(3, 4, 5).astype(dtype)
    datum = parse_datum(image_to_datum(image, -7).SerializeToString())
    back = datum_to_image(datum)
    np.testing.assert_array_equal(back, image)
    assert (back.dtype, datum.label, datum.encoded) == (dtype, -7, False)
    assert bool(datum.data) == (dtype == np.uint8)


def test_encoded_in_colour_gray_and_as_it_is(pixels):
    image = pixels(1, 6, 7)
    datum = pb.Datum(data=encode_image(image, "png"), encoded=True)
    np.testing.assert_array_equal(datum_to_image(datum), image)
    np.testing.assert_array_equal(datum_to_image(datum, color=True), np.repeat(image, 3, axis=0))
    np.testing.assert_array_equal(datum_to_image(datum, color=False), image)


def test_records_that_cannot_be_used():
    by = "(channels × height × width)"
    for datum, color, text in [
        (pb.Datum(channels=1, height=2, width=2, data=b"abc"), None, f"says that it is 1×2×2 {by}, but holds 3 bytes"),
        (
            pb.Datum(channels=1, height=2, width=2, float_data=[1]),
            None,
            f"says that it is 1×2×2 {by}, but holds 1 numbers",
        ),
        (pb.Datum(data=b"abc"), None, f"says that it is 0×0×0 {by}; all three must be at least 1"),
        (
            pb.Datum(channels=1, height=1, width=1, data=b"a"),
            True,
            "is raw data of 1 channels, and force_color wants 3: it works on encoded (JPEG, PNG) records only; remove "
            "it or make the database anew with 3 channels",
        ),
        (
            pb.Datum(channels=3, height=1, width=1, data=b"abc"),
            False,
            "is raw data of 3 channels, and force_gray wants 1: it works on encoded (JPEG, PNG) records only; remove "
            "it or make the database anew with gray images",
        ),
        (pb.Datum(data=b"abc", encoded=True), None, "is no image that OpenCV can decode (JPEG, PNG, BMP, …), or it is"),
    ]:
        with pytest.raises(DataError) as error:
            datum_to_image(datum, color)
        assert str(error.value).startswith(text)


def test_raw_records_may_be_forced_to_what_they_are(pixels):
    image = pixels(1, 2, 3)
    np.testing.assert_array_equal(datum_to_image(image_to_datum(image, 0), color=False), image)


@pytest.mark.parametrize("label", [0, 1, 127, 128, 999, 2**31 - 1, -1, -(2**31)])
def test_label_without_the_pixels(label):
    for datum in (pb.Datum(label=label), pb.Datum(channels=3, data=bytes(300), label=label, float_data=[1, 2])):
        value = datum.SerializeToString()
        assert datum_label(value) == datum_label(memoryview(value)) == label
    assert datum_label(pb.Datum(data=b"x").SerializeToString()) == 0


@pytest.mark.parametrize("value", [b"\xff", b"\x22\x09abc", b"\x0b"])
def test_label_of_bytes_that_are_no_datum(value):
    with pytest.raises(DataError, match="are no Datum"):
        datum_label(value)


def test_bytes_that_are_no_datum():
    with pytest.raises(DataError) as error:
        parse_datum(b"\xff\xff\xff")
    assert str(error.value) == "its 3 bytes are no Datum message; the record is damaged or of another kind"


@pytest.mark.parametrize("shape", [(1, 1), (5, 6), (5, 6, 1), (7, 3, 3), (200, 300, 3)])
@pytest.mark.parametrize("label", [0, 7, 300, 2**31 - 1, -1])
def test_a_record_of_pixels_is_the_serialised_datum(shape, label):
    image = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    planes = image.transpose(2, 0, 1) if image.ndim == 3 else image[None]
    datum = image_to_datum(planes, label)
    datum.encoded = False
    record, found = pixels_to_record(image, label)
    assert bytes(record) == datum.SerializeToString() and found == planes.shape
