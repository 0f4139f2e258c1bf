"""The focal loss of targets and the sigmoid of scores, and its gradient.

With p = σ(x) = 1 / (1 + exp(-x)), a target t from 0 to 1 and m = t (1 - p) + (1 - t) p, what the prediction misses:

    loss = (alpha t + (1 - alpha) (1 - t)) m^gamma · -(t log p + (1 - t) log(1 - p))

Lin et al., "Focal Loss for Dense Object Detection", 2017, equation 5; for targets between 0 and 1 as torchvision's
`sigmoid_focal_loss`. Without alpha its factor is 1. `cafpy.ops.sigmoid_loss` is gamma 0 without alpha.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from cafpy.backend import Array
from cafpy.ops.routine import routine

BLOCK = 4096  # elements that a thread takes at once


@routine
def focal_sigmoid_loss(
    xp: Any, x: Array, target: Array, ignore: int | None, gamma: float, alpha: float | None, totals: Array
) -> None:
    """totals = [Σ loss, number of targets], float64, over all targets but those that are ``ignore``."""
    cross_entropy = xp.maximum(x, 0) - target * x + xp.log1p(xp.exp(-abs(x)))
    losses = _share(target, alpha) * _missed(xp, x, target) ** gamma * cross_entropy
    valid = xp.ones(x.shape, bool) if ignore is None else target != ignore
    totals[0], totals[1] = xp.where(valid, losses, 0).sum(dtype=xp.float64), valid.sum()


@focal_sigmoid_loss.body("numba")
def _(x: Array, target: Array, ignore: int | None, gamma: float, alpha: float | None, totals: Array) -> None:
    totals[0], totals[1] = _loss(x.reshape(-1), target.reshape(-1), *_numbers(x, ignore, gamma, alpha))


@routine
def focal_sigmoid_loss_backward(
    xp: Any, x: Array, target: Array, ignore: int | None, gamma: float, alpha: float | None, factor: Array, dx: Array
) -> None:
    """dx = factor · d loss / dx, 0 where the target is ``ignore``; ``factor`` is an array of one element.

    d loss / dx = share (m^gamma (p - t) + gamma m^(gamma - 1) (1 - 2t) p (1 - p) · cross-entropy).
    """
    p, rest = _sigmoid(xp, x), _sigmoid(xp, -x)
    cross_entropy = xp.maximum(x, 0) - target * x + xp.log1p(xp.exp(-abs(x)))
    missed = xp.maximum(_missed(xp, x, target), LEAST)  # gamma - 1 may be negative
    slope = missed ** (gamma - 1) * (
        missed * (p * (1 - target) - rest * target) + gamma * (1 - 2 * target) * p * rest * cross_entropy
    )
    slope = _share(target, alpha) * slope * factor
    dx[...] = slope if ignore is None else xp.where(target != ignore, slope, 0)


@focal_sigmoid_loss_backward.body("numba")
def _(x: Array, target: Array, ignore: int | None, gamma: float, alpha: float | None, factor: Array, dx: Array) -> None:
    number = dx.dtype.type(factor.reshape(()))
    _backward(x.reshape(-1), target.reshape(-1), number, dx.reshape(-1), *_numbers(x, ignore, gamma, alpha))


LEAST = float(np.finfo(np.float32).tiny)


def _sigmoid(xp: Any, x: Array) -> Array:
    small = xp.exp(-abs(x))  # does not overflow, and keeps the digits of a σ near 0
    return xp.where(x >= 0, 1, small) / (1 + small)


def _missed(xp: Any, x: Array, target: Array) -> Array:
    # below 0 only for a target that is ignored
    return xp.maximum(target * _sigmoid(xp, -x) + (1 - target) * _sigmoid(xp, x), 0)


def _share(target: Array, alpha: float | None) -> Any:
    return 1 if alpha is None else alpha * target + (1 - alpha) * (1 - target)


def _numbers(x: Array, ignore: int | None, gamma: float, alpha: float | None) -> tuple[Any, ...]:
    """Scalars of the kernels, of the type of x: has_ignore, ignore, gamma, and the shares of targets 1 and 0."""
    number = x.dtype.type
    shares = (1, 1) if alpha is None else (alpha, 1 - alpha)
    return ignore is not None, number(ignore or 0), number(gamma), number(shares[0]), number(shares[1])


@njit(error_model="numpy")
def _terms(x, t):
    """p, 1 - p, the cross-entropy, and m."""
    one = x.dtype.type(1)
    p, rest, entropy, missed = np.empty_like(x), np.empty_like(x), np.empty_like(x), np.empty_like(x)
    for i in range(x.size):
        small = np.exp(-abs(x[i]))
        near, far = small / (one + small), one / (one + small)
        p[i], rest[i] = (far, near) if x[i] >= 0 else (near, far)
        entropy[i] = max(x[i], x.dtype.type(0)) - t[i] * x[i] + np.log1p(small)
        missed[i] = t[i] * rest[i] + (one - t[i]) * p[i]
    return p, rest, entropy, missed


@njit(parallel=True, cache=True, error_model="numpy")
def _loss(x, target, has_ignore, ignore, gamma, positive, negative):
    one = x.dtype.type(1)
    total, count = 0.0, 0
    for block in prange((x.size + BLOCK - 1) // BLOCK):
        part = slice(block * BLOCK, (block + 1) * BLOCK)
        t = target[part]
        _, _, entropy, missed = _terms(x[part], t)
        loss, valid = 0.0, 0
        for i in range(t.size):
            if not (has_ignore and t[i] == ignore):
                loss += (positive * t[i] + negative * (one - t[i])) * missed[i] ** gamma * entropy[i]
                valid += 1
        total += loss
        count += valid
    return total, count


@njit(parallel=True, cache=True, error_model="numpy")
def _backward(x, target, factor, dx, has_ignore, ignore, gamma, positive, negative):
    one, least = x.dtype.type(1), x.dtype.type(LEAST)
    for block in prange((x.size + BLOCK - 1) // BLOCK):
        part = slice(block * BLOCK, (block + 1) * BLOCK)
        t, out = target[part], dx[part]
        p, rest, entropy, missed = _terms(x[part], t)
        for i in range(t.size):
            m = max(missed[i], least)
            other = one - t[i]
            slope = m * (p[i] * other - rest[i] * t[i]) + gamma * (other - t[i]) * p[i] * rest[i] * entropy[i]
            slope *= m ** (gamma - one) * (positive * t[i] + negative * other) * factor
            out[i] = x.dtype.type(0) if has_ignore and t[i] == ignore else slope
