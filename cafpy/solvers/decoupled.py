"""What rules with decoupled weight decay share: the decay is a part of the step, not of the gradient.

Source: Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cafpy.backend import Array
from cafpy.ops.update import FlatParameters


def decoupled_gradients(xp: Any, flat: FlatParameters) -> Iterator[tuple[slice, Array, Array, float]]:
    """For each segment: where it is, its scaled gradient, its decay λ w (or λ sign(w)), its learning rate."""
    for part, rate, decay in zip(flat.parts, flat.rates.tolist(), flat.decays.tolist(), strict=True):
        data = flat.data[part]
        yield part, flat.diff[part] * flat.scale, decay * (xp.sign(data) if flat.l1 else data), rate
