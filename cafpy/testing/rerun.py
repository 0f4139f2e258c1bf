"""The same layer once more: from the same start, with more items, or built afresh."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cafpy.errors import CafpyError
from cafpy.testing.case import Case, build
from cafpy.testing.harness import Harness


def forward_again(harness: Harness, case: Case) -> list[np.ndarray]:
    """Fill the bottoms and run forward."""
    for i, values in enumerate(case.values()):
        harness.set_bottom(i, values)
    return harness.forward()


def differ(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether shape or any value differs."""
    return not np.array_equal(a, b, equal_nan=True)


def start_again(harness: Harness, case: Case, state: dict[str, int], params: list[np.ndarray]) -> None:
    """Bottoms, parameters and random numbers as they were before the first pass."""
    if state:
        harness.layer.load_state(state)
    for blob, values in zip(harness.layer.blobs, params, strict=True):
        harness.layer.backend.upload(blob.data, values)
    for i, values in enumerate(case.values()):
        harness.set_bottom(i, values)


def longer(case: Case, more: int) -> Case:
    """The case with ``more`` items, repeats of those it has, in every bottom that has as many as the first."""
    values = case.values()
    items = values[0].shape[:1]
    longer = [np.resize(v, (v.shape[0] + more, *v.shape[1:])) if items and v.shape[:1] == items else v for v in values]
    return replace(case, bottoms=longer)


def builds(case: Case) -> bool:
    """Whether the layer takes such bottoms, and the case's parameters with them."""
    try:
        build(case).close()
    except CafpyError:
        return False
    return True
