"""Image files to a database, as Caffe's convert_imageset makes it."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cafpy.backend import default_threads
from cafpy.errors import DataError
from cafpy.feed.backends import create_database
from cafpy.feed.convert.class_folders import LABELS_FILE, check_labels, list_class_folders
from cafpy.feed.convert.report import ConversionReport, Progress, no_progress
from cafpy.feed.database_writer import check_target
from cafpy.feed.datum import image_to_datum
from cafpy.feed.image import decode_image, encode_image, resize_image
from cafpy.feed.image_list import read_image_list
from cafpy.files import atomic_write
from cafpy.proto import cafpy_pb2 as pb

LONGEST_KEY = 511  # bytes, of LMDB
AHEAD = 32  # images that are decoded before they are written, a thread


@dataclass(frozen=True)
class ImageOptions:
    """What happens to each image.

    Attributes:
        resize: height and width, or None to keep the size.
        gray: one channel instead of three.
        encoded: store image files instead of pixels: the file itself where it has the size and channels asked for.
        encode_type: "jpg" or "png", the type to store; "" keeps each file's own.
    """

    resize: tuple[int, int] | None = None
    gray: bool = False
    encoded: bool = False
    encode_type: str = ""


def convert_imageset(
    source: str | Path,
    out: str | Path,
    options: ImageOptions = ImageOptions(),
    *,
    root: str | Path | None = None,
    labels: Sequence[str] | None = None,
    shuffle: bool | None = None,
    seed: int = 0,
    check_size: bool = False,
    backend: str | int = "LMDB",
    force: bool = False,
    progress: Progress = no_progress,
) -> ConversionReport:
    """Write images to a new database; keys are a running number of 8 digits, "_" and the path.

    Args:
        source: a list file (a path, a space, a label a line), or a folder that holds a folder of images for each class.
        root: what the list's paths begin with; None: they count from the working directory.
        labels: names of the classes 0, 1, … for class folders; None numbers them in alphabetical order. The names are
            written to labels.txt beside the database.
        shuffle: write in random order, fixed by ``seed``; None shuffles class folders (nets learn badly from one class
            after the other) and keeps the order of lists.
        check_size: raise when an image differs in size from the first.
        force: replace a database that exists, and a labels.txt with other names.

    Images that are missing or cannot be decoded are left out and told in the report.

    Raises DataError when the list is wrong, no image can be used, or ``out`` may not be written.
    """
    check_target(Path(out), force)
    report = ConversionReport(Path(out))
    labels_file = Path(out).parent / LABELS_FILE
    folders = Path(source).is_dir()
    if folders:
        entries, report.labels, report.skipped = list_class_folders(Path(source), labels)
        prefix = f"{Path(source)}/"
        if not force:
            check_labels(labels_file, report.labels)
    else:
        entries = read_image_list(source)
        prefix = _prefix(root)
    if shuffle or (shuffle is None and folders):
        random.Random(seed).shuffle(entries)

    def convert(entry: tuple[str, int]) -> tuple[bytes, tuple[int, ...]] | str:
        return _record(prefix + entry[0], entry[1], options)

    with create_database(out, backend, force) as database:
        for i, result in enumerate(_in_order(convert, entries)):
            name, label = entries[i]
            if isinstance(result, str):
                report.skipped.append((prefix + name, result))
            else:
                value, shape = result
                report.add(label, shape)
                if check_size and len(report.shapes) > 1:
                    raise DataError(_other_size(prefix + name, report))
                database.put(f"{i:08d}_{name}".encode("utf-8", "surrogateescape")[:LONGEST_KEY], value)
            progress(i + 1, len(entries))
        if not report.written:
            raise DataError(_nothing(str(source), report))
    if folders:
        with atomic_write(labels_file) as path:
            path.write_text("".join(f"{name}\n" for name in report.labels), "utf-8")
    return report


def _record(path: str, label: int, options: ImageOptions) -> tuple[bytes, tuple[int, ...]] | str:
    """The serialised Datum and the image's shape, or why there is none."""
    try:
        content = Path(path).read_bytes()
        if options.encoded:
            content, shape = _encoded(path, content, options)
            datum = pb.Datum(data=content, label=label, encoded=True)
        else:
            image = _pixels(content, options)
            datum, shape = image_to_datum(image, label), image.shape
            datum.encoded = False  # stated, as Caffe's tool does
    except FileNotFoundError:
        return "does not exist"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except DataError as error:
        return str(error)
    return datum.SerializeToString(), shape


def _pixels(content: bytes, options: ImageOptions) -> np.ndarray:
    image = decode_image(content, color=not options.gray)
    return resize_image(image, *options.resize) if options.resize else image


def _encoded(path: str, content: bytes, options: ImageOptions) -> tuple[bytes, tuple[int, ...]]:
    """Content of an image file with the channels, size and type asked for, and its shape."""
    own = _type(path)
    wanted = options.encode_type.lower().lstrip(".").replace("jpeg", "jpg") or own
    if not options.resize and wanted == own:
        try:
            shape = decode_image(content, color=None).shape
        except DataError:  # perhaps for its 16 bits; the other way will tell
            shape = (0, 0, 0)
        if shape[0] == (1 if options.gray else 3):
            return content, shape
    image = _pixels(content, options)
    return encode_image(image, wanted), image.shape


def _type(path: str) -> str:
    return Path(path).suffix.lower().lstrip(".").replace("jpeg", "jpg")


def _in_order(
    convert: Callable[[tuple[str, int]], tuple[bytes, tuple[int, ...]] | str], entries: list[tuple[str, int]]
) -> Iterator[tuple[bytes, tuple[int, ...]] | str]:
    """The results for all entries, in order, made in several threads a little ahead."""
    threads = default_threads()
    waiting: deque[Future[tuple[bytes, tuple[int, ...]] | str]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for entry in entries:
                waiting.append(pool.submit(convert, entry))
                if len(waiting) >= AHEAD * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _prefix(root: str | Path | None) -> str:
    """What comes before the paths of a list. Caffe puts the two together as text, whatever the paths begin with."""
    text = "" if root is None else str(root)
    return text if not text or text.endswith("/") else f"{text}/"


def _other_size(name: str, report: ConversionReport) -> str:
    first, other = list(report.shapes)[:2]
    return (
        f"'{name}' is {'×'.join(map(str, other))} (channels × height × width), but the images before it are "
        f"{'×'.join(map(str, first))}; resize them, or do not check the size"
    )


def _nothing(source: str, report: ConversionReport) -> str:
    name, reason = report.skipped[-1]
    return (
        f"none of the {len(report.skipped)} images of '{source}' could be used; for example '{name}' {reason}. "
        "Is the root folder right?"
    )
