"""Arrays in memory to a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from cafpy.errors import DataError
from cafpy.feed.backends import create_database
from cafpy.feed.convert.report import ConversionReport, Progress, no_progress
from cafpy.feed.database_writer import DatabaseWriter
from cafpy.feed.datum import image_to_datum

REPORT_EVERY = 500


def convert_arrays(
    images: np.ndarray,
    labels: Sequence[int] | np.ndarray,
    out: str | Path,
    *,
    backend: str | int = "LMDB",
    force: bool = False,
    resume: bool = False,
    key_digits: int = 8,
    names: Iterable[str] = (),
    progress: Progress = no_progress,
) -> ConversionReport:
    """Write images, N×C×H×W (uint8 as bytes, other numbers as float_data), and N integer labels to a new database.

    The keys are the running numbers with ``key_digits`` digits. ``names`` of the labels go to the report.

    With ``resume`` it goes on with what a killed run with the same arrays has left.

    Raises DataError when the arrays do not fit each other or ``out`` may not be written.
    """
    with ExitStack() as stack:
        _, report = put_arrays(
            stack, images, labels, out, backend=backend, force=force, resume=resume, key_digits=key_digits,
            names=names, progress=progress,
        )  # fmt: skip
    return report


def convert_two_arrays(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    out_train: str | Path,
    out_test: str | Path,
    **options: Any,
) -> tuple[ConversionReport, ConversionReport]:
    """:func:`convert_arrays` of two pairs of images and labels, with keys of 5 digits, to two databases that get their
    names together, when both are whole."""
    with ExitStack() as stack:
        made = [
            put_arrays(stack, *arrays, out, key_digits=5, **options)
            for arrays, out in ((train, out_train), (test, out_test))
        ]
        for database, _ in made:
            database.finish()
    return made[0][1], made[1][1]


def put_arrays(
    stack: ExitStack,
    images: np.ndarray,
    labels: Sequence[int] | np.ndarray,
    out: str | Path,
    *,
    backend: str | int = "LMDB",
    force: bool = False,
    resume: bool = False,
    key_digits: int = 8,
    names: Iterable[str] = (),
    progress: Progress = no_progress,
) -> tuple[DatabaseWriter, ConversionReport]:
    """:func:`convert_arrays` to a database that gets its name when the stack is left."""
    labels = np.asarray(labels)
    _check(images, labels)
    report = ConversionReport(Path(out), labels=list(names))
    content = blake2b(np.ascontiguousarray(images).data, digest_size=16)
    content.update(np.ascontiguousarray(labels).data)
    identity = f"{content.hexdigest()} {images.dtype} {images.shape} {key_digits}"
    database = stack.enter_context(create_database(out, backend, force, identity, resume))
    for i, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        key = f"{i:0{key_digits}d}".encode()
        if key in database.there:
            report.resumed += 1
        else:
            database.put(key, image_to_datum(image, label).SerializeToString())
        report.add(label, image.shape)
        if i % REPORT_EVERY == 0:
            progress(i, len(images))
    progress(len(images), len(images))
    return database, report


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
