"""The sum of two arrays with a ReLU behind it, and the gradient: one pass over memory in each direction.

All arrays of one call have the same shape, dtype and C order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cafpy.backend import Array
from cafpy.ops.channels import threads_for
from cafpy.ops.kernel.chunks import copy
from cafpy.ops.kernel.threaded import NO_INDICES, NO_NUMBERS, threaded
from cafpy.ops.routine import routine

BLOCK = 1 << 12  # elements that stay in the L1 cache


@routine
def sum_relu(xp: Any, a: Array, b: Array, y: Array) -> None:
    """y = max(a + b, 0)."""
    xp.add(a, b, out=y)
    y[...] = xp.where(y > 0, y, y * 0)  # nan stays nan


@routine
def sum_relu_backward(xp: Any, y: Array, dy: Array, parts: Sequence[Array], da: Array | None, db: Array) -> None:
    """da = db = dy where y > 0, else 0, for y of :func:`sum_relu`; so is dy in the end, as with a ReLU in place.

    With two ``parts`` dy is their sum. ``da`` may be left out where dy itself will do."""
    if parts:
        xp.add(*parts, out=dy)
    dy[...] = xp.where(y > 0, dy, dy * 0)
    db[...] = dy
    if da is not None:
        da[...] = dy


@sum_relu.body("numba")
def _(a: Array, b: Array, y: Array) -> None:
    _sum_relu(threads_for(y), NO_NUMBERS, NO_INDICES, a, b, y)


@sum_relu_backward.body("numba")
def _(y: Array, dy: Array, parts: Sequence[Array], da: Array | None, db: Array) -> None:
    _sum_relu_backward(threads_for(y), NO_NUMBERS, NO_INDICES, y, dy, db, *parts)
    if da is not None:
        _copy(threads_for(y), NO_NUMBERS, NO_INDICES, dy, da)


@threaded
def _sum_relu(thread, threads, numbers, indices, a, b, y, d, e):
    zero = y.dtype.type(0)
    start, stop = thread * y.size // threads, (thread + 1) * y.size // threads
    left, right, out = a[start:stop], b[start:stop], y[start:stop]
    for i in range(out.size):
        value = left[i] + right[i]
        out[i] = value if value > 0 else zero * value


@threaded
def _sum_relu_backward(thread, threads, numbers, indices, y, dy, db, one, two):
    zero = y.dtype.type(0)
    last = (thread + 1) * y.size // threads
    # in pieces that stay in the cache, and each loop over few arrays: LLVM gives up proving more of them apart
    for start in range(thread * y.size // threads, last, BLOCK):
        stop = min(start + BLOCK, last)
        passed, above, right = y[start:stop], dy[start:stop], db[start:stop]
        if one.size:
            left, other = one[start:stop], two[start:stop]
            for i in range(above.size):
                above[i] = left[i] + other[i]
        for i in range(above.size):
            above[i] = above[i] if passed[i] > 0 else zero * above[i]
        for i in range(above.size):
            right[i] = above[i]


@threaded
def _copy(thread, threads, numbers, indices, source, to, c, d, e):
    start, stop = thread * to.size // threads, (thread + 1) * to.size // threads
    copy(source, start, to, start, stop - start)
