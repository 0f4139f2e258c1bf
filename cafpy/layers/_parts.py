"""Where the parts of a blob lie along one axis: what Concat puts together and Slice cuts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise


def parts(axis: int, sizes: Sequence[int]) -> list[tuple[slice, ...]]:
    """Indices of neighbouring parts along ``axis``, the first of ``sizes[0]`` entries, and so on."""
    ends = accumulate(sizes, initial=0)
    return [(*[slice(None)] * axis, slice(start, stop)) for start, stop in pairwise(ends)]
