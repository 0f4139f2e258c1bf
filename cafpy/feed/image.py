"""Images as Caffe holds them: bytes of C×H×W, colours in the order blue, green, red."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from cafpy.errors import DataError
from cafpy.feed.image_header import image_format, image_size, start_of_scan

MAX_PIXELS = 1 << 28  # of one image: 0.8 GB in colour; a file of a few bytes may claim any size
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".webp"})


def decode_image(
    content: bytes,
    color: bool | None = True,
    max_pixels: int = MAX_PIXELS,
    size: tuple[int, int] | None = None,
) -> np.ndarray:
    """The pixels of an image file's content, uint8 of C×H×W, C being 3 (BGR) or 1; see :func:`decode_pixels`."""
    return channels_first(decode_pixels(content, color, max_pixels, size))


def decode_pixels(
    content: bytes,
    color: bool | None = True,
    max_pixels: int = MAX_PIXELS,
    size: tuple[int, int] | None = None,
) -> np.ndarray:
    """The pixels of an image file's content, uint8 of H×W×3 (BGR) or H×W.

    ``color`` None takes the channels that the file has, as Caffe does with encoded records (a PNG with an alpha
    channel then gives 4). With ``size``, a height and width, it is resized as :func:`resize_image` does it.

    Raises DataError, which does not name the file, when this is no whole image, and before decoding when its header
    tells of more than ``max_pixels``.
    """
    if not content:
        raise DataError("is empty")
    if image_format(content) == "gif":
        raise DataError("is a GIF, whatever its name says, which is not read; save it as PNG or JPEG")
    told = image_size(content)
    if told and told[0] * told[1] > max_pixels:
        raise DataError(
            f"is {told[0]}×{told[1]} (height × width), which is {told[0] * told[1]:,} pixels; "
            f"the limit is {max_pixels:,}"
        )
    if breaks_off(content):
        raise DataError("breaks off before the end of the image; was it copied or fetched whole?")
    flag = cv2.IMREAD_UNCHANGED if color is None else cv2.IMREAD_COLOR if color else cv2.IMREAD_GRAYSCALE
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flag)
    except cv2.error as error:
        raise DataError(f"cannot be decoded: {error.err or error}") from error
    if pixels is None:
        raise DataError("is no image that OpenCV can decode (JPEG, PNG, BMP, …), or it is damaged")
    if pixels.dtype != np.uint8:
        raise DataError(f"has pixels of {pixels.dtype.itemsize * 8} bits, not 8; save it with 8 bits a channel")
    if size is not None and pixels.shape[:2] != size:
        pixels = cv2.resize(pixels, (size[1], size[0]))
    return np.asarray(pixels)


def read_image(path: str | Path, color: bool | None = True, size: tuple[int, int] | None = None) -> np.ndarray:
    """:func:`decode_image` of a file; OSError when it cannot be read."""
    return decode_image(Path(path).read_bytes(), color, size=size)


def resize_image(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """A C×H×W image in another size, bilinear without filtering, as Caffe's tools and ImageData do it."""
    if image.shape[1:] == (height, width):
        return image
    return channels_first(cv2.resize(channels_last(image), (width, height)))


def encode_image(image: np.ndarray, kind: str, quality: int | None = None) -> bytes:
    """The content of an image file of ``kind`` ("jpg", "png") with these C×H×W pixels.

    ``quality``, 1 to 100, is a JPEG's; None takes OpenCV's 95.
    """
    settings = [] if quality is None else [cv2.IMWRITE_JPEG_QUALITY, quality]
    try:
        done, content = cv2.imencode(f".{kind}", channels_last(image), settings)
    except cv2.error:
        done = False
    if not done:
        raise DataError(f"OpenCV cannot write images of type '{kind}'; use jpg or png")
    return content.tobytes()


def channels_first(pixels: np.ndarray) -> np.ndarray:
    """H×W or H×W×C as a contiguous C×H×W."""
    if pixels.ndim == 2:
        return pixels[None]
    if pixels.shape[2] == 1:
        return pixels.transpose(2, 0, 1)
    out = np.empty((pixels.shape[2], *pixels.shape[:2]), pixels.dtype)
    cv2.split(pixels, list(out))  # four times as fast as a copy of the transposed array
    return out


def channels_last(image: np.ndarray) -> np.ndarray:
    """C×H×W as the contiguous H×W×C (H×W for one channel) that OpenCV works on."""
    if len(image) == 1:
        return image[0]
    if image.dtype == np.uint8 and len(image) <= 4:
        return np.asarray(cv2.merge(list(image)))  # four times as fast, too
    return np.ascontiguousarray(image.transpose(1, 2, 0))


def breaks_off(content: bytes) -> bool:
    """Whether a JPEG or PNG lacks its end, which decoders fill with grey without a word."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return content.rfind(b"IEND") < 0
    if content.startswith(b"\xff\xd8"):
        return content.rfind(b"\xff\xd9") < start_of_scan(content)  # a thumbnail before the scan has an end, too
    return False
