"""Compares backward with differences of forward.

For a layer with tops t and gradients from above w, backward must give the gradient of sum(w * t). Each entry x of a
bottom or parameter is moved a little up and down: d/dx is about (f(x + h) - f(x - h)) / 2h, in float64, where this is
good to about 1e-9. A loss takes its loss weights for w, all other layers standard normal numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np

from cafpy.backend import Backend
from cafpy.testing.case import Case, build
from cafpy.testing.harness import Harness
from cafpy.testing.run import backward, gets_gradient, has_backward, top_diffs

STEP = 1e-5
TOLERANCE = 1e-6
SAMPLES = 64


def check_gradient(
    case: Case, backend: Backend | None = None, step: float = STEP, tolerance: float = TOLERANCE, samples: int = SAMPLES
) -> None:
    """Check the bottoms that ``case.gradient`` names and all parameters that learn, on float64 numbers.

    At most ``samples`` entries of each blob are moved, drawn at random but the same in every run. Raises AssertionError
    that names the case, the blob, the entry and both values. A layer without a backward passes.
    """
    with case.folder(), closing(build(case, backend, np.float64)) as harness:
        if not has_backward(harness.layer) or case.gradient == ():
            return
        wanted = gets_gradient(harness)
        compared = [i for i, yes in enumerate(wanted) if yes] if case.gradient is None else list(case.gradient)
        slopes = _Slopes(case, harness, step, samples)
        found = slopes.analytic(wanted)
        for i in compared:
            slopes.compare(f"bottom {i}", found[f"bottom {i} diff"], slopes.values[i], tolerance)
        for i in _learning(harness):
            slopes.compare(f"parameter {i}", found[f"parameter {i} diff"], slopes.params[i], tolerance)


def _learning(harness: Harness) -> list[int]:
    """Parameters that a solver would change: running means have lr_mult 0."""
    specs = harness.layer.param.param
    return [i for i in range(len(harness.layer.blobs)) if i >= len(specs) or specs[i].lr_mult != 0]


class _Slopes:
    """The function sum(w * top) of a layer's bottoms and parameters, and its slopes."""

    def __init__(self, case: Case, harness: Harness, step: float, samples: int):
        self.title = f"{case.type} '{case.name}'"
        self.harness = harness
        self.step = step
        self.samples = samples
        self.values = [np.array(v, np.float64) for v in case.values()]
        self.params = harness.data(harness.layer.blobs)
        self.state = harness.layer.state()
        self.rng = np.random.default_rng(case.seed + 2)

    def forward(self) -> list[np.ndarray]:
        """The tops for ``values`` and ``params`` as they stand, with the random numbers of the first pass."""
        layer = self.harness.layer
        if self.state:
            layer.load_state(self.state)
        for blob, values in zip(layer.blobs, self.params, strict=True):
            layer.backend.upload(blob.data, values)
        for i, values in enumerate(self.values):
            self.harness.set_bottom(i, values)
        return self.harness.forward()

    def analytic(self, propagate_down: Sequence[bool]) -> dict[str, np.ndarray]:
        """Run forward and backward: the gradients that the layer gives."""
        self.forward()
        self.above = top_diffs(self.harness)
        return backward(self.harness, propagate_down, self.above)

    def objective(self) -> float:
        return sum(float((w * top).sum()) for w, top in zip(self.above, self.forward(), strict=True))

    def slope(self, values: np.ndarray, index: tuple[int, ...]) -> float:
        """Difference quotient of the objective for one entry of ``values``, which is put back."""
        before = values[index]
        ends = []
        for moved in (before + self.step, before - self.step):
            values[index] = moved
            ends.append(self.objective())
        values[index] = before
        return (ends[0] - ends[1]) / (2 * self.step)

    def compare(self, blob: str, analytic: np.ndarray, values: np.ndarray, tolerance: float) -> None:
        chosen = self.rng.permutation(values.size)[: self.samples]
        indices: list[Any] = [tuple(int(i) for i in np.unravel_index(flat, values.shape)) for flat in chosen]
        numeric = np.array([self.slope(values, index) for index in indices])
        ours = np.array([analytic[index] for index in indices])
        size = max(np.abs(numeric).max(initial=0), np.abs(ours).max(initial=0))
        if size == 0:
            raise AssertionError(
                f"{self.title}: the gradient of {blob} is 0 everywhere, so this case checks nothing; give the layer "
                "a filler or other bottoms, or leave the bottom out of `gradient`"
            )
        wrong = ~(np.abs(ours - numeric) <= tolerance * (1e-3 + size))
        if wrong.any():
            worst = int(np.argmax(np.where(wrong, np.nan_to_num(np.abs(ours - numeric), nan=np.inf), -1)))
            raise AssertionError(
                f"{self.title}: the gradient of {blob} at {indices[worst]} is {ours[worst]:.9g} by backward, "
                f"{numeric[worst]:.9g} by differences of forward; {int(wrong.sum())} of {len(indices)} entries differ"
            )
