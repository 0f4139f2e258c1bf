"""Rows of a matrix picked by number, and the gradient of picking."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from cafpy.backend import Array
from cafpy.ops.routine import routine


@routine
def row_numbers(xp: Any, values: Array, count: int, index: Array) -> Array:
    """Write ``values`` into the integer array ``index`` of the same size, brought into 0 … count - 1.

    Returns an array without axes: whether every value was a whole number in that range to begin with.
    """
    flat = values.reshape(-1)
    index[...] = xp.fmin(xp.fmax(flat, 0), count - 1)  # fmax and fmin take the number where the other is nan
    return (index == flat).all()


@routine
def take_rows(xp: Any, x: Array, index: Array, y: Array) -> None:
    """y[i] = x[index[i]]; x is a × d …, y is b × d …, index has b valid row numbers."""
    xp.take(x, index, axis=0, out=y)


@take_rows.body("numba")
def _take_rows(x: np.ndarray, index: np.ndarray, y: np.ndarray) -> None:
    # the numbers are known to be valid, and NumPy writes into `out` without a detour only if it need not check them
    np.take(x, index, axis=0, out=y, mode="clip")


@routine
def add_rows(xp: Any, y: Array, index: Array, x: Array) -> None:
    """x[index[i]] += y[i], the gradient of :func:`take_rows`; both are matrices."""
    xp.add.at(x, index, y)


@add_rows.body("numba")
def _add_rows(y: np.ndarray, index: np.ndarray, x: np.ndarray) -> None:
    _add_rows_kernel(y, index, x)


@njit(cache=True)
def _add_rows_kernel(y, index, x):
    for i in range(index.size):
        source, target = y[i], x[index[i]]
        for j in range(source.size):
            target[j] += source[j]
