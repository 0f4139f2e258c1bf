"""The mean image of a database, for mean_file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cafpy.errors import DataError
from cafpy.feed.convert.report import Progress, no_progress
from cafpy.feed.source import DatabaseSource
from cafpy.files import atomic_write
from cafpy.proto import cafpy_pb2 as pb

REPORT_EVERY = 100


def compute_mean(
    database: str | Path, backend: str | int | None = None, progress: Progress = no_progress
) -> np.ndarray:
    """The mean of all images of a database, float32 of C×H×W, as Caffe's compute_image_mean makes it.

    Raises DataError when the database cannot be read or its images differ in size.
    """
    source = DatabaseSource(database, backend)
    total: Any = None
    try:
        for i in range(len(source)):
            fetched = source.fetch(i)
            image, _ = source.decode(fetched, None)
            if total is None:
                total = np.zeros(image.shape, np.uint64 if image.dtype == np.uint8 else np.float64)
            if image.shape != total.shape:
                raise DataError(
                    f"{source.name(fetched)} is {_by(image.shape)} (channels × height × width), but the records before "
                    f"it are {_by(total.shape)}; a mean needs images of one size. Resize them when the database is "
                    "made, or use mean_value"
                )
            total += image
            if i % REPORT_EVERY == 0:
                progress(i, len(source))
        progress(len(source), len(source))
        return np.asarray(total / len(source)).astype(np.float32)
    finally:
        source.close()


def write_mean(path: str | Path, mean: np.ndarray) -> None:
    """Write a mean of C×H×W to a .binaryproto file, in the layout that all versions of Caffe read."""
    channels, height, width = mean.shape
    blob = pb.BlobProto(num=1, channels=channels, height=height, width=width)
    blob.data.extend(mean.astype(np.float32, copy=False).ravel())
    with atomic_write(path) as temporary:
        temporary.write_bytes(blob.SerializeToString())


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
