"""What happens to each gradient before the update rule sees it: clipping, averaging, regularisation, in this order.

With G all gradients of the net, summed over the iter_size passes of an iteration:

    1. clip_gradients c > 0:   G ← G · c / ‖G‖₂  when ‖G‖₂ > c     (so before it is averaged, and without decay)
    2. iter_size n:            G ← G / n
    3. regularization_type:    g ← g + weight_decay · decay_mult · w         "L2"
                               g ← g + weight_decay · decay_mult · sign(w)   "L1"

Source of 1: Pascanu et al., On the difficulty of training recurrent neural networks, ICML 2013. The order is Caffe's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cafpy.backend import Array
from cafpy.errors import SolverError
from cafpy.ops.update import FlatParameters
from cafpy.parameters import Parameter

REGULARIZATIONS = ("L2", "L1")


class GradientPreparation:
    """Steps 1 to 3 for one solver, handed to the update rule as factors, so that they cost no pass of their own.

    Raises SolverError when the solver's fields do not fit.
    """

    def __init__(self, param: Any, parameters: Sequence[Parameter]):
        kind = param.regularization_type
        if kind not in REGULARIZATIONS:
            raise SolverError(f'unknown regularization_type "{kind}"; write "L2" or "L1"', "regularization_type")
        if param.iter_size < 1:
            raise SolverError(f"iter_size is {param.iter_size}; it must be at least 1", "iter_size")
        self.clip = param.clip_gradients
        self.iter_size = param.iter_size
        self.l1 = kind == "L1"
        # float32 as in Caffe, whose multipliers are
        self.lr_mults = np.array([p.lr_mult for p in parameters], np.float32)
        self.decays = np.float32(param.weight_decay) * np.array([p.decay_mult for p in parameters], np.float32)

    def prepare(self, xp: Any, flat: FlatParameters, rate: float) -> None:
        """Set the factors of ``flat`` for an iteration with this learning rate."""
        flat.rates[...] = np.float32(rate) * self.lr_mults
        flat.decays[...] = self.decays
        flat.l1 = self.l1
        flat.scale = 1 / self.iter_size
        if self.clip > 0:
            flat.scale = clip_factor(xp, flat.diff, self.clip) / self.iter_size


def clip_factor(xp: Any, diff: Array, limit: float) -> Array:
    """min(1, limit / ‖diff‖₂), an array without axes: on a GPU it stays there."""
    return limit / xp.maximum(xp.sqrt(xp.dot(diff, diff)), limit)
