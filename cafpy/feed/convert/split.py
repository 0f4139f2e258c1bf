"""A database into two, each with its share of every label."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from cafpy.errors import DataError
from cafpy.feed.backends import create_database, open_database
from cafpy.feed.convert.report import ConversionReport, Progress, no_progress
from cafpy.feed.convert.stratify import stratify
from cafpy.feed.database_writer import check_target
from cafpy.feed.datum import parse_datum

REPORT_EVERY = 500


def split_database(
    path: str | Path,
    outs: Sequence[str | Path],
    fraction: float,
    *,
    seed: int = 0,
    backend: str | int | None = None,
    force: bool = False,
    names: Sequence[str] = (),
    progress: Progress = no_progress,
) -> list[ConversionReport]:
    """Copy ``fraction`` of each label's records, drawn at random by ``seed``, to the first of two new databases, the
    others to the second, keys and values as they are, in their order. ``backend`` is that of the new ones; None: the
    same.

    Raises DataError when a record is no Datum, there are too few, or ``outs`` may not be written.
    """
    for out in outs:
        check_target(Path(out), force)
        if Path(out).resolve() == Path(path).resolve():
            raise DataError(f"'{out}' is the database that is split; give another name")
    with ExitStack() as stack:
        source = stack.enter_context(open_database(path))
        labels, shapes = [], []
        for i in range(len(source)):
            key, value = source.record(i)
            try:
                datum = parse_datum(value)
            except DataError as error:
                raise DataError(f"{source}, record '{key.decode('utf-8', 'backslashreplace')}': {error}") from error
            labels.append(datum.label)
            shapes.append(None if datum.encoded else (datum.channels, datum.height, datum.width))
        parts = stratify(labels, fraction, seed)
        if not all(parts):
            raise DataError(f"the {source} has {len(labels)} records, too few for two parts")
        reports, done = [], 0
        for out, part in zip(outs, parts, strict=True):
            report = ConversionReport(Path(out), labels=list(names))
            database = stack.enter_context(create_database(out, backend or source.backend, force))
            for i in part:
                key, value = source.record(i)
                database.put(key, bytes(value))
                report.written += 1
                report.counts[labels[i]] += 1
                if (shape := shapes[i]) is not None:
                    report.shapes[shape] += 1
                done += 1
                if done % REPORT_EVERY == 0:
                    progress(done, len(labels))
            reports.append(report)
        progress(len(labels), len(labels))
        return reports
