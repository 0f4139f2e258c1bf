"""The loss of targets and the sigmoid of scores with class weights, label smoothing and the focal factor.

With p = σ(x) = 1 / (1 + exp(-x)), the weight w of the class, a target t from 0 to 1, q = t (1 - smoothing) +
smoothing / 2, and m = q (1 - p) + (1 - q) p, what the prediction misses:

    loss = w (alpha q + (1 - alpha) (1 - q)) m^gamma · -(q log p + (1 - q) log(1 - p))

The focal factor is that of Lin et al., "Focal Loss for Dense Object Detection", 2017, equation 5; for targets between 0
and 1 as torchvision's `sigmoid_focal_loss`. Without alpha its factor is 1. With gamma 0 and nothing else this is
`cafpy.ops.loss.sigmoid_loss`.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numba import njit, prange

from cafpy.backend import Array
from cafpy.ops.routine import routine

BLOCK = 4096  # elements that a thread takes at once


@routine
def weighted_sigmoid_loss(
    xp: Any,
    x: Array,
    target: Array,
    ignore: int | None,
    weight: Array | None,
    smoothing: float,
    gamma: float,
    alpha: float | None,
    totals: Array,
) -> None:
    """totals = [Σ loss, Σ w], float64, over all targets but those that are ``ignore``; ``weight`` has one number for
    each place along axis 1 of x, None stands for ones."""
    each = _each(xp, x, weight)
    q = _smooth(target, smoothing)
    cross_entropy = xp.maximum(x, 0) - q * x + xp.log1p(xp.exp(-abs(x)))
    losses = each * _share(q, alpha) * _missed(xp, x, q) ** gamma * cross_entropy
    valid = xp.ones(x.shape, bool) if ignore is None else target != ignore
    totals[0] = xp.where(valid, losses, 0).sum(dtype=xp.float64)
    totals[1] = xp.where(valid, each, 0).sum(dtype=xp.float64)


@weighted_sigmoid_loss.body("numba")
def _(
    x: Array,
    target: Array,
    ignore: int | None,
    weight: Array | None,
    smoothing: float,
    gamma: float,
    alpha: float | None,
    totals: Array,
) -> None:
    numbers = _numbers(x, ignore, weight, smoothing, gamma, alpha)
    totals[0], totals[1] = _loss(x.reshape(-1), target.reshape(-1), *numbers)


@routine
def weighted_sigmoid_loss_backward(
    xp: Any,
    x: Array,
    target: Array,
    ignore: int | None,
    weight: Array | None,
    smoothing: float,
    gamma: float,
    alpha: float | None,
    factor: Array,
    dx: Array,
) -> None:
    """dx = factor · d loss / dx, 0 where the target is ``ignore``; ``factor`` is an array of one element.

    d loss / dx = w share (m^gamma (p - q) + gamma m^(gamma - 1) (1 - 2q) p (1 - p) · cross-entropy).
    """
    p, rest = _sigmoid(xp, x), _sigmoid(xp, -x)
    q = _smooth(target, smoothing)
    cross_entropy = xp.maximum(x, 0) - q * x + xp.log1p(xp.exp(-abs(x)))
    missed = xp.maximum(_missed(xp, x, q), LEAST)  # gamma - 1 may be negative
    slope = missed ** (gamma - 1) * (missed * (p * (1 - q) - rest * q) + gamma * (1 - 2 * q) * p * rest * cross_entropy)
    slope = _each(xp, x, weight) * _share(q, alpha) * slope * factor
    dx[...] = slope if ignore is None else xp.where(target != ignore, slope, 0)


@weighted_sigmoid_loss_backward.body("numba")
def _(
    x: Array,
    target: Array,
    ignore: int | None,
    weight: Array | None,
    smoothing: float,
    gamma: float,
    alpha: float | None,
    factor: Array,
    dx: Array,
) -> None:
    number = dx.dtype.type(factor.reshape(()))
    numbers = _numbers(x, ignore, weight, smoothing, gamma, alpha)
    _backward(x.reshape(-1), target.reshape(-1), number, dx.reshape(-1), *numbers)


LEAST = float(np.finfo(np.float32).tiny)


def _each(xp: Any, x: Array, weight: Array | None) -> Array:
    """The weight of each score, of the shape of x."""
    if weight is None:
        return xp.ones_like(x)
    return xp.broadcast_to(weight.reshape(-1, *[1] * (x.ndim - 2)), x.shape)


def _smooth(target: Array, smoothing: float) -> Array:
    return target * (1 - smoothing) + 0.5 * smoothing if smoothing else target


def _sigmoid(xp: Any, x: Array) -> Array:
    small = xp.exp(-abs(x))  # does not overflow, and keeps the digits of a σ near 0
    return xp.where(x >= 0, 1, small) / (1 + small)


def _missed(xp: Any, x: Array, target: Array) -> Array:
    # below 0 only for a target that is ignored
    return xp.maximum(target * _sigmoid(xp, -x) + (1 - target) * _sigmoid(xp, x), 0)


def _share(target: Array, alpha: float | None) -> Any:
    return 1 if alpha is None else alpha * target + (1 - alpha) * (1 - target)


def _numbers(
    x: Array, ignore: int | None, weight: Array | None, smoothing: float, gamma: float, alpha: float | None
) -> tuple[Any, ...]:
    """What the kernels take beside the arrays: has_ignore, ignore, the weights, how many scores follow each other with
    the same one, 1 - smoothing, smoothing / 2, gamma, and the shares of targets 1 and 0; numbers of the type of x."""
    number = x.dtype.type
    shares = (1, 1) if alpha is None else (alpha, 1 - alpha)
    weights, run = (np.ones(1, x.dtype), max(1, x.size)) if weight is None else (weight, max(1, prod(x.shape[2:])))
    scalars = (1 - smoothing, 0.5 * smoothing, gamma, *shares)
    return ignore is not None, number(ignore or 0), weights, run, *map(number, scalars)


@njit(error_model="numpy")
def _terms(x, target, keep, add):
    """p, 1 - p, q, the cross-entropy, and m."""
    one = x.dtype.type(1)
    p, rest, q = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    entropy, missed = np.empty_like(x), np.empty_like(x)
    for i in range(x.size):
        small = np.exp(-abs(x[i]))
        near, far = small / (one + small), one / (one + small)
        p[i], rest[i] = (far, near) if x[i] >= 0 else (near, far)
        t = keep * target[i] + add
        q[i] = t
        entropy[i] = max(x[i], x.dtype.type(0)) - t * x[i] + np.log1p(small)
        missed[i] = t * rest[i] + (one - t) * p[i]
    return p, rest, q, entropy, missed


@njit(error_model="numpy")
def _weights(start, size, weights, run):
    """The weight of each of ``size`` scores from the place ``start`` on."""
    out = np.empty(size, weights.dtype)
    for i in range(size):
        out[i] = weights[(start + i) // run % weights.size]
    return out


@njit(parallel=True, cache=True, error_model="numpy")
def _loss(x, target, has_ignore, ignore, weights, run, keep, add, gamma, positive, negative):
    one = x.dtype.type(1)
    total, count = 0.0, 0.0
    for block in prange((x.size + BLOCK - 1) // BLOCK):
        part = slice(block * BLOCK, (block + 1) * BLOCK)
        t = target[part]
        _, _, q, entropy, missed = _terms(x[part], t, keep, add)
        each = _weights(block * BLOCK, t.size, weights, run)
        loss, valid = 0.0, 0.0
        for i in range(t.size):
            if not (has_ignore and t[i] == ignore):
                share = positive * q[i] + negative * (one - q[i])
                loss += each[i] * share * missed[i] ** gamma * entropy[i]
                valid += each[i]
        total += loss
        count += valid
    return total, count


@njit(parallel=True, cache=True, error_model="numpy")
def _backward(x, target, factor, dx, has_ignore, ignore, weights, run, keep, add, gamma, positive, negative):
    one, least = x.dtype.type(1), x.dtype.type(LEAST)
    for block in prange((x.size + BLOCK - 1) // BLOCK):
        part = slice(block * BLOCK, (block + 1) * BLOCK)
        t, out = target[part], dx[part]
        p, rest, q, entropy, missed = _terms(x[part], t, keep, add)
        each = _weights(block * BLOCK, t.size, weights, run)
        for i in range(t.size):
            m = max(missed[i], least)
            other = one - q[i]
            slope = m * (p[i] * other - rest[i] * q[i]) + gamma * (other - q[i]) * p[i] * rest[i] * entropy[i]
            slope *= m ** (gamma - one) * (positive * q[i] + negative * other) * each[i] * factor
            out[i] = x.dtype.type(0) if has_ignore and t[i] == ignore else slope
