"""Labels as a data layer brings them, numbers of floating point, made class indices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from cafpy.backend import Array
from cafpy.ops.routine import routine

NONE = -1  # the index of a label that is ignored, or that is none


@routine
def label_indices(xp: Any, label: Array, classes: int, ignore: int | None, index: Array, fits: Array) -> None:
    """index = label as int32, NONE where it is ``ignore`` or no class from 0 to ``classes`` - 1.

    ``fits``, one boolean, says whether every label is a class or ``ignore``. A NaN and 1.5 are none.
    """
    found = (label >= 0) & (label < classes) & (label == xp.floor(label))
    allowed = found
    if ignore is not None:
        ignored = label == ignore
        allowed, found = found | ignored, found & ~ignored
    fits[...] = allowed.all()
    index[...] = xp.where(found, label, NONE)


@label_indices.body("numba")
def _(label: Array, classes: int, ignore: int | None, index: Array, fits: Array) -> None:
    fits[...] = _label_indices(label.reshape(-1), classes, ignore is not None, ignore or 0, index.reshape(-1))


@njit(cache=True)
def _label_indices(label, classes, has_ignore, ignore, index):
    fits = True
    for i in range(label.size):
        value = label[i]
        if has_ignore and value == ignore:
            index[i] = NONE
        elif 0 <= value < classes and value == np.floor(value):
            index[i] = np.int32(value)
        else:
            index[i] = NONE
            fits = False
    return fits
