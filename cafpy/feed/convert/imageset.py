"""Image files to a database, as Caffe's convert_imageset makes it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from cafpy.errors import DataError
from cafpy.feed.backends import create_database
from cafpy.feed.convert.class_folders import LABELS_FILE
from cafpy.feed.convert.image_record import AS_THEY_ARE, ImageOptions, Record, image_record, in_order, stored_shape
from cafpy.feed.convert.listed_images import Entry, list_images
from cafpy.feed.convert.report import ConversionReport, Progress, no_progress
from cafpy.feed.convert.stratify import stratify
from cafpy.feed.database_writer import DatabaseWriter, check_target
from cafpy.files import atomic_write

LONGEST_KEY = 511  # bytes, of LMDB


def convert_imageset(
    source: str | Path, out: str | Path, options: ImageOptions = AS_THEY_ARE, **choices: Any
) -> ConversionReport:
    """:func:`convert_parts` to one database; ``choices`` are its arguments by name."""
    (report,) = convert_parts(source, [out], options, **choices)
    return report


def convert_parts(
    source: str | Path,
    outs: Sequence[str | Path],
    options: ImageOptions = AS_THEY_ARE,
    *,
    fraction: float = 1.0,
    root: str | Path | None = None,
    labels: Sequence[str] | None = None,
    shuffle: bool | None = None,
    seed: int = 0,
    check_size: bool = False,
    backend: str | int = "LMDB",
    force: bool = False,
    resume: bool = False,
    jobs: int | None = None,
    progress: Progress = no_progress,
) -> list[ConversionReport]:
    """Write images to a new database, or to two; keys are a running number of 8 digits, "_" and the path.

    Args:
        source: a list file (a path, a space, a label a line; or .csv with the header path,label), or a folder that
            holds a folder of images for each class.
        outs: one database, or two of which the first gets ``fraction`` of each class.
        root: what the list's paths begin with; None: they count from the working directory.
        labels: names of the classes 0, 1, …, which lists may then use as labels; None numbers class folders in
            alphabetical order. The names are written to labels.txt beside the database.
        shuffle: write in random order, fixed by ``seed``; None shuffles class folders (nets learn badly from one class
            after the other) and keeps the order of lists.
        check_size: raise when an image differs in size from the first.
        force: replace a database that exists, and a labels.txt with other names.
        resume: go on with what a killed run with the same images and options has left; without any, begin.
        jobs: threads that read, decode, resize and encode; None takes one a core. The records do not depend on it.

    Images that are missing or cannot be decoded are left out and told in the report.

    No database is there before all images are read: one that is stopped leaves nothing.

    Raises DataError when the list is wrong, no image can be used, or ``out`` may not be written.
    """
    for out in outs:
        check_target(Path(out), force)
    images = list_images(source, root, labels, Path(outs[0]).parent / LABELS_FILE, force)
    if shuffle or (shuffle is None and images.folders):
        random.Random(seed).shuffle(images.entries)
    parts = [images.entries]
    if len(outs) == 2:
        split = stratify([label for _, label in images.entries], fraction, seed)
        parts = [[images.entries[index] for index in indices] for indices in split]
        if not all(parts):
            raise DataError(f"'{source}' has {len(images.entries)} images, too few for two parts")
    reports = [ConversionReport(Path(out), labels=images.names) for out in outs]
    images.tell_skipped(reports[0])
    databases: list[DatabaseWriter] = []
    done = 0
    with ExitStack() as stack:
        for report, entries in zip(reports, parts, strict=True):
            identity = repr((images.prefix, entries, options))
            databases.append(stack.enter_context(create_database(report.path, backend, force, identity, resume)))
            for name in _put(databases[-1], report, images.prefix, entries, options, jobs):
                if check_size and len(report.shapes) > 1:
                    raise DataError(_other_size(name, report))
                done += 1
                progress(done, len(images.entries))
            if not report.written:
                raise DataError(nothing_usable(str(source), report))
        for database in databases:
            database.finish()
    if images.names:
        with atomic_write(images.labels_file) as path:
            path.write_text("".join(f"{name}\n" for name in images.names), "utf-8")
    return reports


def _put(
    database: DatabaseWriter,
    report: ConversionReport,
    prefix: str,
    entries: Sequence[Entry],
    options: ImageOptions,
    jobs: int | None,
) -> Iterator[str]:
    """Write the records that are not there yet; yields the name of each image once the report counts it."""
    make = partial(_record, prefix, options, database.there)
    results = in_order(make, enumerate(entries), jobs, lambda result: len(result[0]) if result else 1)
    for i, (result, (name, label)) in enumerate(zip(results, entries, strict=True)):
        if result is None:
            report.add(label, stored_shape(database.value(_key(i, name)), options))
            report.resumed += 1
        elif isinstance(result, str):
            report.skip(label, prefix + name, result)
        else:
            value, shape = result
            report.add(label, shape)
            database.put(_key(i, name), value)
        yield prefix + name


def _record(
    prefix: str, options: ImageOptions, there: frozenset[bytes], entry: tuple[int, Entry]
) -> Record | str | None:
    """What :func:`image_record` says; None when the record is there already."""
    number, (name, label) = entry
    return None if _key(number, name) in there else image_record(prefix + name, label, options)


def _key(number: int, name: str) -> bytes:
    return f"{number:08d}_{name}".encode("utf-8", "surrogateescape")[:LONGEST_KEY]


def _other_size(name: str, report: ConversionReport) -> str:
    first, other = list(report.shapes)[:2]
    return (
        f"'{name}' is {'×'.join(map(str, other))} (channels × height × width), but the images before it are "
        f"{'×'.join(map(str, first))}; resize them, or do not check the size"
    )


def nothing_usable(source: str, report: ConversionReport) -> str:
    """What to say when every image of ``source`` was left out."""
    name, reason = report.skipped[-1]
    return (
        f"none of the {len(report.skipped)} images of '{source}' could be used; for example '{name}' {reason}. "
        "Is the root folder right?"
    )
