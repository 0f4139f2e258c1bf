"""CSV files that list images: a header, then a path and one or several labels a row."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cafpy.errors import DataError
from cafpy.feed.image_list import parse_label, raise_problems, read_lines


@dataclass(frozen=True)
class CsvList:
    """Images of a CSV file.

    Attributes:
        paths: as they stand there.
        labels: N×K; integers when there is one label an image and all are whole numbers, else float32.
        columns: names of the K label columns.
    """

    paths: list[str]
    labels: np.ndarray
    columns: list[str]

    @property
    def classes(self) -> bool:
        """Whether each image has one whole number, so that a database can hold it."""
        return self.labels.dtype.kind == "i"


def read_csv_list(path: str | Path, names: Sequence[str] | None = None) -> CsvList:
    """Read a CSV file whose header begins with "path". With ``names``, labels may be these; they stand for their index.

    Raises DataError, naming file and line, when the header, a path or a label is missing or wrong.
    """
    rows = list(csv.reader(read_lines(path), skipinitialspace=True))
    header = [word.strip() for word in rows[0]] if rows else []
    if len(header) < 2 or header[0].lower() != "path":
        came = f"'{','.join(header)}'" if header else "nothing"
        raise DataError(f"{path}:1: the header is {came}; wanted 'path,label', or more labels: 'path,x,y'")
    numbers = {name: number for number, name in enumerate(names or ())}
    paths: list[str] = []
    labels: list[list[float]] = []
    problems = []
    for number, row in enumerate(rows[1:], 2):
        if not "".join(row).strip():
            continue
        values, problem = _labels([word.strip() for word in row[1:]], header[1:], numbers)
        if not problem and not row[0].strip():
            problem = "the path is empty"
        if problem:
            problems.append(f"{path}:{number}: {problem}")
        paths.append(row[0].strip())
        labels.append(values)
    raise_problems(problems)
    if not paths:
        raise DataError(f"the list '{path}' holds no image, only a header")
    array = np.array(labels)
    whole = array.shape[1] == 1 and all(_whole(row[1].strip(), numbers) for row in rows[1:] if "".join(row).strip())
    return CsvList(paths, array.astype(np.int64 if whole else np.float32), header[1:])


def _labels(words: list[str], columns: list[str], numbers: dict[str, int]) -> tuple[list[float], str]:
    if len(words) != len(columns):
        return [], f"{len(words)} label{'s' * (len(words) != 1)} for the {len(columns)} of the header"
    values = []
    for word, column in zip(words, columns, strict=True):
        value, problem = _label(word, numbers)
        if problem:
            return [], f"column '{column}': {problem}"
        values.append(value)
    return values, ""


def _label(word: str, numbers: dict[str, int]) -> tuple[float, str]:
    if numbers or _whole(word, numbers):
        return parse_label(word, numbers)
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        return 0, f"'{word}' is no number; give class names with a labels file"
    return value, ""


def _whole(word: str, numbers: dict[str, int]) -> bool:
    return word in numbers or word.lstrip("+-").isdigit()
