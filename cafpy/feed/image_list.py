"""Text files that list images with labels, a path, a space and a whole number a line."""

from __future__ import annotations

import re
from pathlib import Path

from cafpy.errors import DataError

SHOWN = 3  # lines with problems that an error quotes


def read_image_list(path: str | Path) -> list[tuple[str, int]]:
    """Paths, as they stand there (they may hold spaces), and labels. Empty lines are left out.

    Raises DataError, naming file and line, when a label is missing or no whole number, and when there is no list.
    """
    if not Path(path).is_file():
        raise DataError(f"the list '{path}' does not exist (looked in {Path.cwd()})")
    try:
        text = Path(path).read_text("utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise DataError(f"the list '{path}' cannot be read: {error.strerror}") from error
    if "\0" in text:
        raise DataError(f"'{path}' is no text file; it must list images, a path, a space and a label a line")
    entries, problems = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, label, problem = _parse(line.strip())
        if problem:
            problems.append(f"{path}:{number}: {problem}")
        entries.append((name, label))
    if problems:
        more = f"\n… and {len(problems) - SHOWN} more lines" if len(problems) > SHOWN else ""
        raise DataError("\n".join(problems[:SHOWN]) + more)
    if not entries:
        raise DataError(f"the list '{path}' is empty; it must hold a path, a space and a label a line")
    return entries


def _parse(line: str) -> tuple[str, int, str]:
    """Path, label and what is wrong with them."""
    parts = line.rsplit(maxsplit=1)
    if len(parts) == 1:
        return line, 0, f"'{line}' has no label; write a path, a space and a whole number"
    name, label = parts
    if not re.fullmatch(r"[+-]?[0-9]+", label):
        return name, 0, f"label '{label}' is no whole number; number the classes 0, 1, 2, …"
    if not -(1 << 31) <= int(label) < 1 << 31:
        return name, 0, f"label {label} is too large; a label has 32 bits"
    return name, int(label), ""
