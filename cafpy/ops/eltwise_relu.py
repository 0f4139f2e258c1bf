"""The sum of two arrays with a ReLU behind it, and the gradient: one pass over memory in each direction.

All arrays of one call have the same shape, dtype and C order.
"""

from __future__ import annotations

from typing import Any

from cafpy.backend import Array
from cafpy.ops.channels import threads_for
from cafpy.ops.routine import routine
from cafpy.ops.threaded import NO_INDICES, NO_NUMBERS, threaded

BLOCK = 1 << 12  # elements that stay in the L1 cache


@routine
def sum_relu(xp: Any, a: Array, b: Array, y: Array) -> None:
    """y = max(a + b, 0)."""
    xp.add(a, b, out=y)
    y[...] = xp.where(y > 0, y, y * 0)  # nan stays nan


@routine
def sum_relu_backward(xp: Any, y: Array, dy: Array, da: Array, db: Array) -> None:
    """da = db = dy where y > 0, else 0, for y of :func:`sum_relu`; so is dy in the end, as with a ReLU in place."""
    dy[...] = xp.where(y > 0, dy, dy * 0)
    da[...] = dy
    db[...] = dy


@sum_relu.body("numba")
def _(a: Array, b: Array, y: Array) -> None:
    _sum_relu(threads_for(y), NO_NUMBERS, NO_INDICES, a, b, y)


@sum_relu_backward.body("numba")
def _(y: Array, dy: Array, da: Array, db: Array) -> None:
    _sum_relu_backward(threads_for(y), NO_NUMBERS, NO_INDICES, y, dy, da, db)


@threaded
def _sum_relu(thread, threads, numbers, indices, a, b, y, d, e):
    zero = y.dtype.type(0)
    start, stop = thread * y.size // threads, (thread + 1) * y.size // threads
    left, right, out = a[start:stop], b[start:stop], y[start:stop]
    for i in range(out.size):
        value = left[i] + right[i]
        out[i] = value if value > 0 else zero * value


@threaded
def _sum_relu_backward(thread, threads, numbers, indices, y, dy, da, db, e):
    zero = y.dtype.type(0)
    last = (thread + 1) * y.size // threads
    # in pieces that stay in the cache, and each loop over few arrays: LLVM gives up proving more of them apart
    for start in range(thread * y.size // threads, last, BLOCK):
        stop = min(start + BLOCK, last)
        passed, above, left, right = y[start:stop], dy[start:stop], da[start:stop], db[start:stop]
        for i in range(above.size):
            above[i] = above[i] if passed[i] > 0 else zero * above[i]
        for i in range(above.size):
            left[i] = above[i]
        for i in range(above.size):
            right[i] = above[i]
