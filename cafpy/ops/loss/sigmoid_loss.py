"""Cross-entropy of targets and the sigmoid of scores, and its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from cafpy.backend import Array
from cafpy.ops.kernel.vector_math import exp, log
from cafpy.ops.routine import routine

BLOCK = 4096  # elements that a thread takes at once


@routine
def sigmoid_loss(xp: Any, x: Array, target: Array, ignore: int | None, totals: Array) -> None:
    """totals = [-Σ t log σ(x) + (1 - t) log(1 - σ(x)), number of targets], over all targets but those that are
    ``ignore``; σ(x) = 1 / (1 + exp(-x)). All of one shape; ``totals`` two numbers, float64.

    Computed as max(x, 0) - t x + log(1 + exp(-|x|)), which neither overflows nor cancels.
    """
    losses = xp.maximum(x, 0) - target * x + xp.log1p(xp.exp(-abs(x)))
    if ignore is None:
        totals[0], totals[1] = losses.sum(dtype=xp.float64), x.size
    else:
        valid = target != ignore
        totals[0], totals[1] = xp.where(valid, losses, 0).sum(dtype=xp.float64), valid.sum()


@sigmoid_loss.body("numba")
def _(x: Array, target: Array, ignore: int | None, totals: Array) -> None:
    totals[0], totals[1] = _loss(x.reshape(-1), target.reshape(-1), ignore is not None, x.dtype.type(ignore or 0))


@routine
def sigmoid_loss_backward(xp: Any, x: Array, target: Array, ignore: int | None, factor: Array, dx: Array) -> None:
    """dx = factor (σ(x) - t), 0 where the target is ``ignore``; ``factor`` is an array of one element."""
    slope = factor * (0.5 * xp.tanh(0.5 * x) + 0.5 - target)  # this form of σ does not overflow
    dx[...] = slope if ignore is None else xp.where(target != ignore, slope, 0)


@sigmoid_loss_backward.body("numba")
def _(x: Array, target: Array, ignore: int | None, factor: Array, dx: Array) -> None:
    number = dx.dtype.type
    _backward(
        x.reshape(-1),
        target.reshape(-1),
        ignore is not None,
        number(ignore or 0),
        number(factor.reshape(())),
        dx.reshape(-1),
    )


# reassoc lets LLVM add in SIMD lanes
@njit(fastmath={"reassoc", "nsz"}, error_model="numpy")
def _block(x, target, has_ignore, ignore):
    zero, one = x.dtype.type(0), x.dtype.type(1)
    total, count = zero, zero
    for i in range(x.size):
        loss = max(x[i], zero) - target[i] * x[i] + log(one + exp(-abs(x[i])))
        valid = not (has_ignore and target[i] == ignore)
        total += loss if valid else zero
        count += one if valid else zero
    return total, count


@njit(parallel=True, cache=True)
def _loss(x, target, has_ignore, ignore):
    total, count = 0.0, 0.0
    for block in prange((x.size + BLOCK - 1) // BLOCK):
        part = slice(block * BLOCK, (block + 1) * BLOCK)
        loss, valid = _block(x[part], target[part], has_ignore, ignore)
        total += np.float64(loss)
        count += np.float64(valid)
    return total, count


@njit(parallel=True, cache=True, error_model="numpy")
def _backward(x, target, has_ignore, ignore, factor, dx):
    one = dx.dtype.type(1)
    for i in prange(dx.size):
        slope = factor * (one / (one + exp(-x[i])) - target[i])
        dx[i] = dx.dtype.type(0) if has_ignore and target[i] == ignore else slope
