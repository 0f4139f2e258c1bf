import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.image import breaks_off, decode_image, encode_image, read_image, resize_image

RED = np.zeros((3, 4, 5), np.uint8)
RED[2] = 255


def test_colours_are_blue_green_red_and_channels_come_first():
    image = decode_image(encode_image(RED, "png"))
    np.testing.assert_array_equal(image, RED)
    assert image.flags.c_contiguous


def test_channels_as_asked_or_as_they_are():
    gray = np.arange(20, dtype=np.uint8).reshape(1, 4, 5)
    with_alpha = np.concatenate([RED, RED[:1]])
    for image in (RED, gray, with_alpha):
        content = encode_image(image, "png")
        np.testing.assert_array_equal(decode_image(content, None), image)
        assert decode_image(content, True).shape == (3, 4, 5)
        assert decode_image(content, False).shape == (1, 4, 5)
    assert decode_image(encode_image(RED, "png"), False)[0, 0, 0] == 255 * 9797 >> 15


def test_resize_of_colour_and_gray(pixels):
    assert resize_image(pixels(3, 4, 6), 8, 3).shape == (3, 8, 3)
    assert resize_image(pixels(1, 4, 6), 8, 3).shape == (1, 8, 3)
    image = np.array([[[0, 100]]], np.uint8)  # bilinear, corners not aligned: 0, 25, 75, 100
    np.testing.assert_array_equal(resize_image(image, 1, 4)[0, 0], [0, 25, 75, 100])


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_whole_images_are_told_from_those_that_break_off(pixels, kind):
    content = encode_image(pixels(3, 40, 50), kind)
    assert not breaks_off(content)
    assert not breaks_off(content + b"some bytes after the end")
    for size in (len(content) // 2, len(content) - 8, 30):
        assert breaks_off(content[:size])
        with pytest.raises(DataError) as error:
            decode_image(content[:size])
        assert str(error.value) == "breaks off before the end of the image; was it copied or fetched whole?"


def test_thumbnail_in_the_header_is_not_taken_for_the_end(pixels):
    thumbnail = encode_image(pixels(3, 8, 8), "jpg")
    whole = encode_image(pixels(3, 40, 50), "jpg")
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    with_thumbnail = whole[:2] + segment + whole[2:]
    np.testing.assert_array_equal(decode_image(with_thumbnail), decode_image(whole))
    assert breaks_off(with_thumbnail[:-100])


def test_what_cannot_be_decoded():
    import cv2

    deep = cv2.imencode(".png", np.full((2, 2), 1000, np.uint16))[1].tobytes()
    for content, color, text in [
        (b"", True, "is empty"),
        (b"no picture", True, "is no image that OpenCV can decode (JPEG, PNG, BMP, …), or it is damaged"),
        (deep, None, "has pixels of 16 bits, not 8; save it with 8 bits a channel"),
    ]:
        with pytest.raises(DataError) as error:
            decode_image(content, color)
        assert str(error.value) == text
    with pytest.raises(DataError, match="OpenCV cannot write images of type 'gif2'; use jpg or png"):
        encode_image(RED, "gif2")


def test_read_image(small):
    image = read_image(small / "images" / "img03.jpg")
    assert (image.shape, image.dtype) == ((3, 28, 34), np.uint8)
    with pytest.raises(OSError):
        read_image(small / "images" / "img99.jpg")
