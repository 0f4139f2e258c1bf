"""Text files that list images with labels, a path, a space and a whole number a line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from cafpy.errors import DataError, did_you_mean
from cafpy.missing_file import does_not_exist

SHOWN = 3  # lines with problems that an error quotes


def read_image_list(path: str | Path, names: Sequence[str] | None = None) -> list[tuple[str, int]]:
    """Paths, as they stand there (they may hold spaces), and labels. Empty lines are left out.

    With ``names`` a label may also be one of these names (which may hold spaces, too); it stands for its index.

    Raises DataError, naming file and line, when a label is missing or no whole number, and when there is no list.
    """
    numbers = {name: number for number, name in enumerate(names or ())}
    words = max((len(name.split()) for name in numbers), default=1)
    entries, problems = [], []
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        name, label, problem = _parse(line.strip(), numbers, words)
        if problem:
            problems.append(f"{path}:{number}: {problem}")
        entries.append((name, label))
    raise_problems(problems)
    if not entries:
        raise DataError(f"the list '{path}' is empty; it must hold a path, a space and a label a line")
    return entries


def read_lines(path: str | Path) -> list[str]:
    """The lines of a list. Raises DataError when it is missing or no text."""
    if not Path(path).is_file():
        raise DataError(f"the list '{path}' {does_not_exist(path)}")
    try:
        text = Path(path).read_text("utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise DataError(f"the list '{path}' cannot be read: {error.strerror}") from error
    if "\0" in text:
        raise DataError(f"'{path}' is no text file; it must list images, a path, a space and a label a line")
    return text.splitlines()


def raise_problems(problems: Sequence[str]) -> None:
    """Raise DataError with the first of the problems, if there are any."""
    if problems:
        more = f"\n… and {len(problems) - SHOWN} more lines" if len(problems) > SHOWN else ""
        raise DataError("\n".join(problems[:SHOWN]) + more)


def parse_label(label: str, numbers: dict[str, int]) -> tuple[int, str]:
    """A label as a number, and what is wrong with it. ``numbers``, unless empty, has all classes by name."""
    if label in numbers:
        return numbers[label], ""
    if not re.fullmatch(r"[+-]?[0-9]+", label):
        if numbers:
            return 0, f"label '{label}' is none of the {len(numbers)} labels{did_you_mean(label, numbers)}"
        return 0, f"label '{label}' is no whole number; number the classes 0, 1, 2, …"
    if not -(1 << 31) <= int(label) < 1 << 31:
        return 0, f"label {label} is too large; a label has 32 bits"
    if numbers and not 0 <= int(label) < len(numbers):
        return 0, f"label {label} has no name; the labels file names 0 to {len(numbers) - 1}"
    return int(label), ""


def _parse(line: str, numbers: dict[str, int], words: int) -> tuple[str, int, str]:
    """Path, label and what is wrong with them; ``words`` is the most that a class name has."""
    for count in range(words, 1, -1):
        parts = line.split()
        if len(parts) > count and (name := " ".join(parts[-count:])) in numbers:
            return line.rsplit(maxsplit=count)[0], numbers[name], ""
    parts = line.rsplit(maxsplit=1)
    if len(parts) == 1:
        return line, 0, f"'{line}' has no label; write a path, a space and a whole number"
    label, problem = parse_label(parts[1], numbers)
    return parts[0], label, problem
