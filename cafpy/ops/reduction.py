"""Rows reduced to one number each, and the gradients."""

from __future__ import annotations

from typing import Any

from cafpy.backend import Array
from cafpy.ops.routine import routine


@routine
def reduce_rows(xp: Any, x: Array, operation: str, factor: float, work: Array, y: Array) -> None:
    """y[i] = factor · (sum of x[i], of its absolute values for "ASUM", of its squares for "SUMSQ").

    x is a × b, y has a entries; ``work`` is space of x's shape, not used by "SUM".
    """
    if operation == "ASUM":
        x = xp.absolute(x, out=work)
    elif operation == "SUMSQ":
        x = xp.square(x, out=work)
    xp.sum(x, axis=1, out=y)
    y *= factor


@routine
def reduce_rows_backward(xp: Any, x: Array, operation: str, factor: float, dy: Array, dx: Array) -> None:
    """dx = the gradient of :func:`reduce_rows`; 0 for "ASUM" where x is 0."""
    if operation == "ASUM":
        xp.sign(x, out=dx)
        dx *= factor * dy[:, None]
    elif operation == "SUMSQ":
        xp.multiply(x, (2 * factor) * dy[:, None], out=dx)
    else:
        dx[...] = factor * dy[:, None]
