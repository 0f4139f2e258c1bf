"""Colours that options give for filling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cafpy.errors import DataError


def colour(values: Sequence[float], channels: int, what: str) -> np.ndarray:
    """C bytes, of one value for all channels or one for each. Raises DataError, beginning with ``what``, else."""
    if len(values) not in (1, channels):
        raise DataError(f"{what}: {len(values)} values for {channels} channel{'s' * (channels > 1)}; give one for each")
    return np.broadcast_to(np.clip(np.round(np.array(values)), 0, 255).astype(np.uint8), channels)
