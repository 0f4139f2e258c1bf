"""Random numbers of one image: fixed by the seed and the image's position in the stream, whoever asks for them."""

from __future__ import annotations

import numpy as np

FIRST_COUNTER = 1 << 192  # far from the counters of crops and mirroring


def generator(seed: int, position: int) -> np.random.Generator:
    """The generator of the image at ``position``. Philox is counter-based: making one costs microseconds."""
    return np.random.Generator(np.random.Philox(key=seed, counter=FIRST_COUNTER + (position << 64)))


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with this probability; draws one number, always."""
    return bool(rng.random() < probability)
