"""One forward and one backward pass of a case, with everything that came out of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from cafpy.backend import Backend
from cafpy.layer import Layer
from cafpy.testing.case import Case, build
from cafpy.testing.harness import Harness


@dataclass
class Result:
    """What came out: host copies, by what messages call them ("top 0", "bottom 1 diff", "parameter 0 diff")."""

    arrays: dict[str, np.ndarray]

    def compare(self, other: Result, tolerance: float, said: str) -> None:
        """Raise AssertionError unless all arrays agree within ``tolerance`` of their largest magnitude (plus 0.01)."""
        for name, ours in self.arrays.items():
            theirs = other.arrays[name]
            assert ours.shape == theirs.shape, f"{name} {said}: shapes {ours.shape} and {theirs.shape}"
            allowed = tolerance * (1e-2 + np.abs(theirs[np.isfinite(theirs)]).max(initial=0))
            close = np.isclose(ours, theirs, rtol=0, atol=allowed, equal_nan=True)
            if not close.all():
                at = tuple(int(i[0]) for i in np.nonzero(~close))
                raise AssertionError(
                    f"{name} {said}: {ours[at]:.8g} against {theirs[at]:.8g} at {at}, "
                    f"and {int((~close).sum())} of {close.size} differ"
                )


def has_backward(layer: Layer) -> bool:
    """Whether the layer has a backward of its own."""
    return type(layer).backward is not Layer.backward


def gets_gradient(harness: Harness) -> list[bool]:
    """Per bottom, whether the layer can compute a gradient for it."""
    return [has_backward(harness.layer) and i not in harness.layer.no_gradient for i in range(len(harness.bottom))]


def top_diffs(harness: Harness, seed: int = 1) -> list[np.ndarray]:
    """Gradients from above: the loss weights where there are any, standard normal numbers elsewhere."""
    rng = np.random.default_rng(seed)
    weights = harness.layer.loss_weights
    if any(weights):
        return [np.full(blob.shape, weight) for blob, weight in zip(harness.top, weights, strict=True)]
    return [rng.standard_normal(blob.shape) for blob in harness.top]


def forward_backward(harness: Harness, diffs: Sequence[np.ndarray] | None = None) -> Result:
    """Run forward, then backward into bottom gradients that hold NaN before and parameter gradients that hold 0."""
    arrays = {f"top {i}": values for i, values in enumerate(harness.forward())}
    arrays |= {f"parameter {i}": values for i, values in enumerate(harness.data(harness.layer.blobs))}
    if has_backward(harness.layer):
        arrays |= backward(harness, gets_gradient(harness), diffs)
    return Result(arrays)


def backward(
    harness: Harness, propagate_down: Sequence[bool], diffs: Sequence[np.ndarray] | None = None
) -> dict[str, np.ndarray]:
    """Run backward; all gradients of bottoms and parameters by name, those not asked for too."""
    for blob in harness.bottom:
        blob.diff[...] = np.nan
    for i, values in enumerate(top_diffs(harness) if diffs is None else diffs):
        harness.set_top_diff(i, values)
    harness.clear_param_diffs()
    harness.backward(propagate_down)
    arrays = {f"bottom {i} diff": values for i, values in enumerate(harness.diff(harness.bottom))}
    arrays |= {f"parameter {i} diff": values for i, values in enumerate(harness.diff(harness.layer.blobs))}
    return arrays


def run_case(case: Case, backend: Backend | None = None, dtype: Any = np.float32) -> Result:
    """Build the case, run forward and backward, close it."""
    with closing(build(case, backend, dtype)) as harness:
        return forward_backward(harness)
