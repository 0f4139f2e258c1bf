"""Splits in two parts that both hold every class in the same proportion."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Hashable, Sequence


def stratify(labels: Sequence[Hashable], fraction: float, seed: int = 0) -> tuple[list[int], list[int]]:
    """Indices of a first part, ``fraction`` of each label's items drawn at random by ``seed``, and of the rest.

    Both are in rising order. The rounding is per label, to the nearest, but a label with at least two items is in both
    parts.
    """
    places: dict[Hashable, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        places[label].append(index)
    draw = random.Random(seed)
    first: list[int] = []
    rest: list[int] = []
    for indices in places.values():
        draw.shuffle(indices)
        count = int(fraction * len(indices) + 0.5)
        if len(indices) > 1:
            count = min(max(count, 1), len(indices) - 1)
        first += indices[:count]
        rest += indices[count:]
    return sorted(first), sorted(rest)
