"""Looks through a database for what spoils a training: damaged records, images that come twice, labels without any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np

from cafpy.errors import DataError
from cafpy.feed.backends import open_database
from cafpy.feed.convert.image_record import in_order
from cafpy.feed.convert.report import Progress, no_progress
from cafpy.feed.database import Database
from cafpy.feed.datum import datum_to_image, parse_datum

REPORT_EVERY = 100


@dataclass(frozen=True)
class Duplicate:
    """A record with the pixels of another one.

    Attributes:
        key: of the record.
        label: of the record.
        first: key of the first record with these pixels, in the same database or in the one compared with.
        first_label: that one's label.
    """

    key: str
    label: int
    first: str
    first_label: int


@dataclass
class CheckReport:
    """What is in a database.

    Attributes:
        path, backend, bytes_on_disk: of the database.
        records: all of them, corrupt ones included.
        encoded: number that hold image files instead of pixels.
        counts: number of records of each label.
        shapes: number of records of each shape, channels × height × width.
        channel_mean: mean of all values of each channel; empty when the images differ in channels.
        corrupt: key of each record that cannot be used, and why.
        duplicates: records with the pixels of an earlier one.
        shared: records with the pixels of one in the other database.
    """

    path: Path
    backend: str
    bytes_on_disk: int
    records: int = 0
    encoded: int = 0
    counts: Counter[int] = field(default_factory=Counter)
    shapes: Counter[tuple[int, ...]] = field(default_factory=Counter)
    channel_mean: list[float] = field(default_factory=list)
    corrupt: list[tuple[str, str]] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    shared: list[Duplicate] = field(default_factory=list)

    @property
    def gaps(self) -> list[int]:
        """Labels from 0 to the largest that no record has."""
        return [label for label in range(max(self.counts, default=0)) if label not in self.counts]

    def sizes(self) -> tuple[np.ndarray, np.ndarray]:
        """All heights and all widths, sorted."""
        shapes = np.array([shape for shape, count in self.shapes.items() for _ in range(count)]).reshape(-1, 3)
        return np.sort(shapes[:, 1]), np.sort(shapes[:, 2])


@dataclass(frozen=True)
class _Seen:
    """What is known of one record; ``problem`` alone, when it is corrupt."""

    key: str
    problem: str = ""
    label: int = 0
    encoded: bool = False
    shape: tuple[int, ...] = ()
    digest: bytes = b""
    sums: tuple[float, ...] = ()


def check_database(
    path: str | Path,
    backend: str | int | None = None,
    *,
    other: str | Path | None = None,
    jobs: int | None = None,
    progress: Progress = no_progress,
) -> CheckReport:
    """Read and decode all records of a database; with ``other``, look for its images there, too.

    Two images are the same when their decoded pixels are (by BLAKE2b of 16 bytes, which are held for all records).
    Raises DataError when a database cannot be read at all.
    """
    elsewhere: dict[bytes, tuple[str, int]] = {}
    if other is not None:
        with open_database(other) as database:
            for seen in _look_through(database, jobs, progress):
                if not seen.problem:
                    elsewhere.setdefault(seen.digest, (seen.key, seen.label))
    with open_database(path, backend) as database:
        report = CheckReport(Path(path), database.backend, database.bytes_on_disk())
        first: dict[bytes, tuple[str, int]] = {}
        sums: dict[int, np.ndarray] = {}
        pixels = 0
        for seen in _look_through(database, jobs, progress):
            report.records += 1
            if seen.problem:
                report.corrupt.append((seen.key, seen.problem))
                continue
            report.encoded += seen.encoded
            report.counts[seen.label] += 1
            report.shapes[seen.shape] += 1
            channels = seen.shape[0]
            sums[channels] = sums.get(channels, np.zeros(channels)) + seen.sums
            pixels += seen.shape[1] * seen.shape[2]
            if seen.digest in elsewhere:
                report.shared.append(Duplicate(seen.key, seen.label, *elsewhere[seen.digest]))
            if seen.digest in first:
                report.duplicates.append(Duplicate(seen.key, seen.label, *first[seen.digest]))
            else:
                first[seen.digest] = seen.key, seen.label
        if len(sums) == 1:
            report.channel_mean = (next(iter(sums.values())) / pixels).tolist()
        return report


def _look_through(database: Database, jobs: int | None, progress: Progress) -> Iterator[_Seen]:
    count = len(database)
    records = ((key, bytes(value)) for key, value in map(database.record, range(count)))
    for i, seen in enumerate(in_order(_examine, records, jobs)):
        yield seen
        if i % REPORT_EVERY == 0 or i + 1 == count:
            progress(i + 1, count)


def _examine(record: tuple[bytes, bytes]) -> _Seen:
    key = record[0].decode("utf-8", "backslashreplace")
    try:
        datum = parse_datum(record[1])
        image = datum_to_image(datum)
    except DataError as error:
        return _Seen(key, str(error))
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        return _Seen(key, "holds infinite numbers or NaN")
    digest = blake2b(f"{image.dtype}{image.shape}".encode(), digest_size=16)
    digest.update(image.tobytes())
    sums = tuple(image.sum(axis=(1, 2), dtype=np.float64).tolist())
    return _Seen(key, "", datum.label, datum.encoded, image.shape, digest.digest(), sums)
