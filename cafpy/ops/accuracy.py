"""How many labels are among the best scores, in all and for each class."""

from __future__ import annotations

from typing import Any

from numba import njit

from cafpy.backend import Array
from cafpy.ops.routine import routine


@routine
def count_hits(xp: Any, scores: Array, index: Array, best: int, hits: Array, labels: Array) -> None:
    """For each class c: labels[c], how often it is the label; hits[c], how often fewer than ``best`` other classes
    have a score that is not less than the label's.

    ``scores`` is outer × classes × inner; ``index``, outer × inner, has class indices, negative where there is no
    label. ``hits`` and ``labels`` are float64 of ``classes``. So a tie counts against the label, and a NaN too.
    """
    valid = index >= 0
    of_label = xp.take_along_axis(scores, xp.where(valid, index, 0)[:, None, :], axis=1)
    hit = (~(scores < of_label)).sum(axis=1) <= best  # the label itself is one of those counted
    is_label = xp.arange(scores.shape[1], dtype=index.dtype)[:, None] == index[:, None, :]
    labels[...] = is_label.sum(axis=(0, 2))
    hits[...] = (is_label & hit[:, None, :]).sum(axis=(0, 2))


@count_hits.body("numba")
def _(scores: Array, index: Array, best: int, hits: Array, labels: Array) -> None:
    _count_hits(scores, index, best, hits, labels)


@njit(cache=True)
def _count_hits(scores, index, best, hits, labels):
    hits[:] = 0
    labels[:] = 0
    for item in range(index.shape[0]):
        for i in range(index.shape[1]):
            label = index[item, i]
            if label < 0:
                continue
            of_label = scores[item, label, i]
            not_less = 0
            for c in range(scores.shape[1]):
                not_less += not scores[item, c, i] < of_label
            labels[label] += 1
            hits[label] += not_less <= best
