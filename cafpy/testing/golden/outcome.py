"""How far a case's numbers are from the recorded ones, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

TOLERANCE = 1e-4


def relative_error(ours: Any, recorded: Any, magnitude: float = 0) -> float:
    """max|a - b| / (0.01 + max|b|), or + ``magnitude`` where that is larger; infinities and NaN must stand at the same
    places, else the error is infinite."""
    a, b = np.asarray(ours, np.float64), np.asarray(recorded, np.float64)
    finite = np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True) or not np.isfinite(a[finite]).all():
        return np.inf
    if not finite.any():
        return 0.0
    return float(np.abs(a[finite] - b[finite]).max() / (1e-2 + max(magnitude, np.abs(b[finite]).max())))


class Comparison:
    """All that is compared in one case.

    Attributes:
        error: the worst relative error so far.
        problems: one line for each thing that is not as recorded.
    """

    def __init__(self, tolerance: float = TOLERANCE):
        self.tolerance = tolerance
        self.error = 0.0
        self.problems: list[str] = []

    def array(self, what: str, ours: Any, recorded: Any, tolerance: float | None = None, magnitude: float = 0) -> None:
        """Compare shape and values. ``tolerance`` stands in for the usual one; ``magnitude`` is the largest value that
        the numbers are a sample of."""
        if np.shape(ours) != np.shape(recorded):
            self.problems.append(f"{what} has shape {np.shape(ours)}, recorded is {np.shape(recorded)}")
            return
        error = relative_error(ours, recorded, magnitude)
        self.error = max(self.error, error)
        if error > (self.tolerance if tolerance is None else tolerance):
            self.problems.append(f"{what} is off by {error:.2e}")

    def equal(self, what: str, ours: Any, recorded: Any) -> None:
        """Compare names, shapes, numbers that must agree exactly."""
        if ours != recorded:
            self.problems.append(f"{what} is {_short(ours)}, recorded is {_short(recorded)}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 160 else text[:157] + "..."


@dataclass(frozen=True)
class Outcome:
    """One case that was run.

    Attributes:
        kind: what it counts under in the closing table (a layer type, "solver", "net" …).
        name: the case.
        error: worst relative error of its numbers.
        problems: what is wrong; none means it passed.
    """

    kind: str
    name: str
    error: float
    problems: Sequence[str]

    @property
    def passed(self) -> bool:
        return not self.problems


def run_case(kind: str, name: str, run: Callable[[Comparison], None]) -> Outcome:
    """Run one case; whatever it raises is its failure and nobody else's."""
    comparison = Comparison()
    try:
        run(comparison)
    except Exception as error:
        comparison.problems.append(f"{type(error).__name__}: {error}")
    return Outcome(kind, name, comparison.error, comparison.problems)
