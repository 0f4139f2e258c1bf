"""Arrays in memory to a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cafpy.errors import DataError
from cafpy.feed.backends import create_database
from cafpy.feed.convert.report import ConversionReport, Progress, no_progress
from cafpy.feed.datum import image_to_datum

REPORT_EVERY = 500


def convert_arrays(
    images: np.ndarray,
    labels: Sequence[int] | np.ndarray,
    out: str | Path,
    *,
    backend: str | int = "LMDB",
    force: bool = False,
    key_digits: int = 8,
    names: Iterable[str] = (),
    progress: Progress = no_progress,
) -> ConversionReport:
    """Write images, N×C×H×W (uint8 as bytes, other numbers as float_data), and N integer labels to a new database.

    The keys are the running numbers with ``key_digits`` digits. ``names`` of the labels go to the report.

    Raises DataError when the arrays do not fit each other or ``out`` may not be written.
    """
    labels = np.asarray(labels)
    _check(images, labels)
    report = ConversionReport(Path(out), labels=list(names))
    with create_database(out, backend, force) as database:
        for i, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
            database.put(f"{i:0{key_digits}d}".encode(), image_to_datum(image, label).SerializeToString())
            report.add(label, image.shape)
            if i % REPORT_EVERY == 0:
                progress(i, len(images))
    progress(len(images), len(images))
    return report


def _check(images: Any, labels: np.ndarray) -> None:
    if images.ndim != 4 or not images.size:
        raise DataError(f"images of shape {images.shape} came; wanted N×channels×height×width, all at least 1")
    if images.dtype.kind not in "uifb":
        raise DataError(f"images of {images.dtype} came; wanted numbers")
    if labels.shape != images.shape[:1]:
        raise DataError(f"labels of shape {labels.shape} came for {len(images)} images; wanted one number an image")
    if labels.dtype.kind not in "uib":
        raise DataError(f"labels of {labels.dtype} came; a database holds whole numbers (HDF5Data takes others)")
    if labels.min() < -(1 << 31) or labels.max() >= 1 << 31:
        raise DataError(f"labels go from {labels.min()} to {labels.max()}; a database holds numbers of 32 bits")
