"""The files of MNIST, and of others in its format (Fashion-MNIST, EMNIST, …), to a database."""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np

from cafpy.errors import DataError
from cafpy.feed.convert.arrays import convert_arrays
from cafpy.feed.convert.report import ConversionReport, Progress, no_progress
from cafpy.missing_file import does_not_exist

LABELS, IMAGES = 2049, 2051  # magic numbers: unsigned bytes (8), 1 or 3 axes
KIND = {LABELS: "labels", IMAGES: "images"}


def convert_mnist(
    images: str | Path,
    labels: str | Path,
    out: str | Path,
    *,
    backend: str | int = "LMDB",
    force: bool = False,
    resume: bool = False,
    progress: Progress = no_progress,
) -> ConversionReport:
    """Write an idx3 file of images and an idx1 file of labels, gzipped or not, to a new database.

    Records are 1×28×28 bytes under the keys "00000000", "00000001", …, as Caffe's example makes them.

    Raises DataError when a file is missing, is not what it should be or is cut off, or their counts differ.
    """
    pixels, numbers = read_idx(images, IMAGES), read_idx(labels, LABELS)
    if len(pixels) != len(numbers):
        raise DataError(
            f"'{images}' holds {len(pixels)} images, but '{labels}' {len(numbers)} labels; do they belong together?"
        )
    return convert_arrays(pixels[:, None], numbers, out, backend=backend, force=force, resume=resume, progress=progress)


def read_idx(path: str | Path, magic: int) -> np.ndarray:
    """The array of bytes in an idx file whose magic number is ``magic``, gzipped or not."""
    content = _content(Path(path))
    axes = magic & 0xFF
    start = 4 + 4 * axes
    if len(content) < 4:
        raise DataError(f"'{path}' is no file of {KIND[magic]}: it has {len(content)} bytes")
    found = int.from_bytes(content[:4], "big")
    if found != magic:
        swapped = f"it holds {KIND[found]}; are the two files swapped?" if found in KIND else "is it the right file?"
        raise DataError(f"'{path}' is no file of {KIND[magic]}: its magic number is {found}, not {magic}; {swapped}")
    if len(content) < start:
        raise DataError(f"'{path}' is damaged: it ends after {len(content)} bytes; fetch it again")
    shape = tuple(np.frombuffer(content, ">u4", axes, offset=4).tolist())
    if len(content) != start + prod(shape):
        raise DataError(
            f"'{path}' is damaged: {'×'.join(map(str, shape))} {KIND[magic]} are announced, which make "
            f"{start + prod(shape):,} bytes, and there are {len(content):,}; fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise DataError(f"'{path}' {does_not_exist(path)}")
    content = path.read_bytes()
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"'{path}' cannot be unpacked: {error}; fetch it again") from error
