import struct
import zlib

import cv2
import numpy as np
import pytest

from cafpy.errors import DataError
from cafpy.feed.image import decode_image
from cafpy.feed.image_header import image_format, image_size, start_of_scan

FORMATS = {"jpg": "jpg", "png": "png", "bmp": "bmp", "webp": "webp", "tiff": "tif", "ppm": "pnm"}


def huge_png(height: int, width: int) -> bytes:
    """A whole PNG of one colour, small on disk whatever its size."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 64)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", FORMATS)
def test_size_and_format(suffix):
    content = cv2.imencode(f".{suffix}", np.zeros((7, 300, 3), np.uint8))[1].tobytes()
    assert (image_format(content), image_size(content)) == (FORMATS[suffix], (7, 300))
    for cut in range(0, min(60, len(content)), 3):  # a damaged header is no error
        image_size(content[:cut])


def test_lossless_webp():
    content = cv2.imencode(".webp", np.zeros((9, 500, 3), np.uint8), [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
    assert content[12:16] == b"VP8L" and image_size(content) == (9, 500)


def test_what_has_no_size():
    assert image_format(b"") == "" and image_size(b"") is None
    assert image_format(b"GIF89a") == "gif" and image_size(b"GIF89a") is None
    assert start_of_scan(b"\xff\xd8\xff\xe0\x00\x04ab\xff\xda\x00\x02") == 8


def test_an_image_that_is_too_large_is_not_decoded():
    with pytest.raises(DataError) as error:
        decode_image(huge_png(20000, 20000))
    assert str(error.value) == (
        "is 20000×20000 (height × width), which is 400,000,000 pixels; the limit is 268,435,456"
    )
    with pytest.raises(DataError) as error:
        decode_image(huge_png(10, 11), max_pixels=109)
    assert str(error.value) == "is 10×11 (height × width), which is 110 pixels; the limit is 109"


def test_a_gif_by_another_name():
    with pytest.raises(DataError) as error:
        decode_image(b"GIF89a\1\0\1\0")
    assert str(error.value) == "is a GIF, whatever its name says, which is not read; save it as PNG or JPEG"
