"""One image file to one record, and many of them in several threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from cafpy.backend import default_threads
from cafpy.errors import DataError
from cafpy.feed.datum import parse_datum, pixels_to_record
from cafpy.feed.image import decode_image, decode_pixels, encode_image
from cafpy.feed.image_header import image_format, image_size
from cafpy.proto import cafpy_pb2 as pb

AHEAD = 32  # images that are decoded before they are written, a thread, if they are small
IN_FLIGHT = 256 << 20  # bytes of them, about
Record = tuple[bytes | bytearray, tuple[int, ...]]  # serialised Datum; channels × height × width
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class ImageOptions:
    """What happens to each image.

    Attributes:
        resize: height and width, or None to keep the size.
        gray: one channel instead of three.
        encoded: store image files instead of pixels: the file itself where it has the size and channels asked for.
        encode_type: "jpg" or "png", the type to store; "" keeps each file's own.
        quality: 1 to 100, of JPEG files to store, all of which are then encoded anew; None: OpenCV's 95.
        max_pixels: images whose header tells of more are left out, undecoded.
    """

    resize: tuple[int, int] | None = None
    gray: bool = False
    encoded: bool = False
    encode_type: str = ""
    quality: int | None = None
    max_pixels: int = 100_000_000

    def __post_init__(self) -> None:
        if self.quality is None:
            return
        if not 1 <= self.quality <= 100:
            raise DataError(f"quality: {self.quality} came; wanted 1 to 100")
        if not self.encoded:
            raise DataError("quality is of JPEG files, and pixels are stored; give --encode-type jpg, or no quality")
        if self.encode_type and _short(self.encode_type) != "jpg":
            raise DataError(f"quality is of JPEG files, and {self.encode_type} is to be stored; remove one of the two")


AS_THEY_ARE = ImageOptions()


def image_record(path: str, label: int, options: ImageOptions) -> Record | str:
    """The serialised Datum and the image's shape, or why there is none."""

    def make() -> Record:
        content = Path(path).read_bytes()
        if options.encoded:
            content, shape = _encoded(path, content, options)
            return pb.Datum(data=content, label=label, encoded=True).SerializeToString(), shape
        pixels = decode_pixels(content, not options.gray, options.max_pixels, options.resize)
        return pixels_to_record(pixels, label)

    return or_reason(make)


def or_reason(read: Callable[[], Result]) -> Result | str:
    """What ``read`` makes of an image file, or why it cannot be used."""
    try:
        return read()
    except FileNotFoundError:
        return "does not exist"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except DataError as error:
        return str(error)


def stored_shape(value: bytes, options: ImageOptions) -> tuple[int, ...]:
    """Channels × height × width of what :func:`image_record` has made."""
    datum = parse_datum(value)
    if not datum.encoded:
        return datum.channels, datum.height, datum.width
    return 1 if options.gray else 3, *(options.resize or image_size(datum.data) or decode_image(datum.data).shape[1:])


def image_pixels(content: bytes, options: ImageOptions) -> np.ndarray:
    """Pixels of an image file's content, uint8 of C×H×W, in the size and channels asked for."""
    return decode_image(content, not options.gray, options.max_pixels, options.resize)


def in_order(
    convert: Callable[[Item], Result],
    items: Iterable[Item],
    jobs: int | None = None,
    weight: Callable[[Result], int] = lambda result: 1,
) -> Iterator[Result]:
    """The results for all items, in order, made a little ahead in ``jobs`` threads (None: one a core).

    Reading files, decoding, resizing and encoding all let go of Python's lock. With one job all is done in this thread.
    ``weight`` is a result's size in bytes; large ones are made less far ahead.
    """
    jobs = jobs or default_threads()
    if jobs == 1:
        yield from map(convert, items)
        return
    waiting: deque[Future[Result]] = deque()
    limit, largest = 4 * jobs, 1
    with ThreadPoolExecutor(jobs, "cafpy-convert") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(convert, item))
                while len(waiting) >= limit:
                    result = waiting.popleft().result()
                    largest = max(largest, weight(result))
                    yield result
                    limit = max(2 * jobs, min(AHEAD * jobs, IN_FLIGHT // largest))
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _encoded(path: str, content: bytes, options: ImageOptions) -> tuple[bytes, tuple[int, ...]]:
    """Content of an image file with the channels, size and type asked for, and its shape."""
    own = image_format(content) or _short(Path(path).suffix)
    wanted = _short(options.encode_type) or (own if own != "pnm" else _short(Path(path).suffix))
    if not options.resize and wanted == own and not (own == "jpg" and options.quality):
        try:
            shape = decode_image(content, None, options.max_pixels).shape
        except DataError:  # perhaps for its 16 bits; the other way will tell
            shape = (0, 0, 0)
        if shape[0] == (1 if options.gray else 3):
            return content, shape
    image = image_pixels(content, options)
    return encode_image(image, wanted, options.quality if wanted == "jpg" else None), image.shape


def _short(kind: str) -> str:
    return kind.lower().lstrip(".").replace("jpeg", "jpg").replace("tiff", "tif")
