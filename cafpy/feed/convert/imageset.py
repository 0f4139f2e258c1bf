"""Image files to a database, as Caffe's convert_imageset makes it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cafpy.errors import DataError
from cafpy.feed.backends import create_database
from cafpy.feed.convert.class_folders import LABELS_FILE, check_labels, list_class_folders
from cafpy.feed.convert.csv_list import read_csv_list
from cafpy.feed.convert.image_record import AS_THEY_ARE, ImageOptions, Record, image_record, in_order, stored_shape
from cafpy.feed.convert.report import ConversionReport, Progress, no_progress
from cafpy.feed.convert.stratify import stratify
from cafpy.feed.database_writer import DatabaseWriter, check_target
from cafpy.feed.image_list import read_image_list
from cafpy.files import atomic_write

LONGEST_KEY = 511  # bytes, of LMDB
Entry = tuple[str, int]  # path, label


def convert_imageset(
    source: str | Path,
    out: str | Path,
    options: ImageOptions = AS_THEY_ARE,
    *,
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
) -> ConversionReport:
    """Write images to a new database; keys are a running number of 8 digits, "_" and the path.

    Args:
        source: a list file (a path, a space, a label a line; or .csv with the header path,label), or a folder that
            holds a folder of images for each class.
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

    Raises DataError when the list is wrong, no image can be used, or ``out`` may not be written.
    """
    (report,) = convert_parts(
        source, [out], options, root=root, labels=labels, shuffle=shuffle, seed=seed, check_size=check_size,
        backend=backend, force=force, resume=resume, jobs=jobs, progress=progress,
    )  # fmt: skip
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
    """:func:`convert_imageset` to one database, or to two of which the first gets ``fraction`` of each class.

    No database is there before all images are read: one that is stopped leaves nothing.
    """
    for out in outs:
        check_target(Path(out), force)
    images = _list_images(source, root, labels, Path(outs[0]).parent / LABELS_FILE, force)
    if shuffle or (shuffle is None and images.folders):
        random.Random(seed).shuffle(images.entries)
    parts = [images.entries]
    if len(outs) == 2:
        split = stratify([label for _, label in images.entries], fraction, seed)
        parts = [[images.entries[index] for index in indices] for indices in split]
        if not all(parts):
            raise DataError(f"'{source}' has {len(images.entries)} images, too few for two parts")
    reports: list[ConversionReport] = []
    databases: list[DatabaseWriter] = []
    with ExitStack() as stack:
        done = 0
        for out, entries in zip(outs, parts, strict=True):
            report = ConversionReport(Path(out), labels=images.names)
            if not reports:
                _skip_others(images, report)
            identity = repr((images.prefix, entries, options))
            database = stack.enter_context(create_database(out, backend, force, identity, resume))
            databases.append(database)
            results = in_order(
                partial(_record, images.prefix, options, database.there),
                enumerate(entries),
                jobs,
                lambda result: len(result[0]) if result else 1,
            )
            for i, (result, (name, label)) in enumerate(zip(results, entries, strict=True)):
                if result is None:
                    report.add(label, stored_shape(database.value(_key(i, name)), options))
                    report.resumed += 1
                elif isinstance(result, str):
                    report.skip(label, images.prefix + name, result)
                else:
                    value, shape = result
                    report.add(label, shape)
                    if check_size and len(report.shapes) > 1:
                        raise DataError(_other_size(images.prefix + name, report))
                    database.put(_key(i, name), value)
                done += 1
                progress(done, len(images.entries))
            if not report.written:
                raise DataError(nothing_usable(str(source), report))
            reports.append(report)
        for database in databases:
            database.finish()
    if images.names:
        with atomic_write(images.labels_file) as path:
            path.write_text("".join(f"{name}\n" for name in images.names), "utf-8")
    return reports


@dataclass
class _Images:
    """What is to be converted: paths (after ``prefix``) with labels, names of the labels, and what is left out."""

    entries: list[Entry]
    prefix: str
    labels_file: Path
    folders: bool = False
    names: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def _list_images(
    source: str | Path, root: str | Path | None, labels: Sequence[str] | None, labels_file: Path, force: bool
) -> _Images:
    if Path(source).is_dir():
        entries, names, skipped = list_class_folders(Path(source), labels)
        images = _Images(entries, f"{Path(source)}/", labels_file, True, names, skipped)
    elif str(source).lower().endswith(".csv"):
        rows = read_csv_list(source, labels)
        if not rows.classes:
            raise DataError(
                f"'{source}' has {len(rows.columns)} label{'s' * (len(rows.columns) > 1)} an image "
                f"({', '.join(rows.columns)}), and a database holds one whole number; convert it to HDF5 instead"
            )
        entries = list(zip(rows.paths, rows.labels[:, 0].tolist(), strict=True))
        images = _Images(entries, path_prefix(root), labels_file, names=list(labels or ()))
    else:
        images = _Images(read_image_list(source, labels), path_prefix(root), labels_file, names=list(labels or ()))
    if images.names and not force:
        check_labels(labels_file, images.names)
    return images


def _skip_others(images: _Images, report: ConversionReport) -> None:
    """Note the files that are left out by their names."""
    for name, reason in images.skipped:
        folder = name.partition("/")[0]
        if folder in images.names:
            report.skip(images.names.index(folder), images.prefix + name, reason)
        else:
            report.skipped.append((images.prefix + name, reason))


def _record(
    prefix: str, options: ImageOptions, there: frozenset[bytes], entry: tuple[int, Entry]
) -> Record | str | None:
    """What :func:`image_record` says; None when the record is there already."""
    number, (name, label) = entry
    return None if _key(number, name) in there else image_record(prefix + name, label, options)


def _key(number: int, name: str) -> bytes:
    return f"{number:08d}_{name}".encode("utf-8", "surrogateescape")[:LONGEST_KEY]


def path_prefix(root: str | Path | None) -> str:
    """What comes before the paths of a list. Caffe puts the two together as text, whatever the paths begin with."""
    text = "" if root is None else str(root)
    return text if not text or text.endswith("/") else f"{text}/"


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
