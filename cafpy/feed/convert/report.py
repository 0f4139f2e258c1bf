"""What a conversion did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

Progress = Callable[[int, int], None]
"""Called now and then with the number of items done and the number of all."""


@dataclass
class ConversionReport:
    """What a conversion did.

    Attributes:
        path: the database.
        written: number of its records.
        resumed: number of these that an earlier run had written.
        skipped: what was left out, and why.
        left_out: number of these of each label, where it is known.
        counts: number of records of each label.
        shapes: number of images of each shape, channels × height × width.
        labels: names of the labels 0, 1, …, where they are known.
    """

    path: Path
    written: int = 0
    resumed: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    left_out: Counter[int] = field(default_factory=Counter)
    counts: Counter[int] = field(default_factory=Counter)
    shapes: Counter[tuple[int, ...]] = field(default_factory=Counter)
    labels: list[str] = field(default_factory=list)

    def add(self, label: int, shape: tuple[int, ...]) -> None:
        """Count one record."""
        self.written += 1
        self.counts[label] += 1
        self.shapes[shape] += 1

    def skip(self, label: int, name: str, reason: str) -> None:
        """Note one that was left out."""
        self.left_out[label] += 1
        self.skipped.append((name, reason))


def no_progress(done: int, total: int) -> None:
    """For who does not want to know."""
