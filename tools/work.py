"""A piece of work that tools/bench_ops.py times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Work:
    """A routine and its arguments. ``flops`` counts multiplications and additions; ``bytes`` what must move;
    ``rivals`` do the same."""

    name: str
    routine: Callable[..., object]
    arguments: tuple[Any, ...]
    flops: float = 0
    bytes: float = 0
    rivals: dict[str, Callable[[], object]] = field(default_factory=dict)

    def run(self) -> None:
        self.routine(*self.arguments)


def draw(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Normal random numbers, float32."""
    return rng.standard_normal(shape, np.float32)
