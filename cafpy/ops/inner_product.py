"""Product of two matrices, written to a third or added to it."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from cafpy.backend import Array
from cafpy.ops.blas import gemm, gemm_address
from cafpy.ops.chunks import fill, kernel, reordering
from cafpy.ops.routine import routine
from cafpy.ops.threaded import NO_INDICES, threaded

SERIAL = 1 << 17  # multiplications that one thread does before others would have been woken
FEW_ROWS = 4  # so few that BLAS would take longer to rearrange the other matrix than to multiply


@routine
def add_product(xp: Any, a: Array, b: Array, c: Array, add: bool) -> None:
    """c = a b, or with ``add`` c += a b; a is m x k, b k x n, c m x n.

    Each is C-contiguous or the transpose of an array that is.
    """
    if add:
        c += a @ b
    else:
        xp.matmul(a, b, out=c)


@add_product.body("numba")
def _(a: Array, b: Array, c: Array, add: bool) -> None:
    if not c.flags.c_contiguous:  # its transpose is
        a, b, c = b.T, a.T, c.T
    (m, k), n = a.shape, b.shape[1]
    ta, tb = not a.flags.c_contiguous, not b.flags.c_contiguous
    threads = 1 if m * n * k < SERIAL else numba.get_num_threads()
    numbers = np.array([gemm_address(c.dtype), m, n, k, ta, tb, add], np.int64)
    _add_product(threads, numbers, NO_INDICES, a.T if ta else a, b.T if tb else b, c)


@threaded
def _add_product(thread, threads, numbers, indices, a, b, c, d, e):
    """This thread's share of the columns of c or, where these are fewer, of its rows."""
    address, m, n, k, ta, tb, add = numbers
    r0, r1, c0, c1 = 0, m, 0, n
    if n >= m:
        c0, c1 = thread * n // threads, (thread + 1) * n // threads
    else:
        r0, r1 = thread * m // threads, (thread + 1) * m // threads
    if r0 == r1 or c0 == c1:
        return
    if m <= FEW_ROWS and not ta:
        for i in range(r0, r1):
            if not add:
                fill(c, i * n + c0, c1 - c0, c.dtype.type(0))
            if tb:
                for j in range(c0, c1):
                    c[i * n + j] += _dot(a, i * k, b, j * k, k)
            else:
                for t in range(k):
                    _add_scaled(a[i * k + t], b, t * n + c0, c, i * n + c0, c1 - c0)
        return
    rows, lda = (a[r0:], m) if ta else (a[r0 * k :], k)
    columns, ldb = (b[c0 * k :], k) if tb else (b[c0:], n)
    target = c[r0 * n + c0 :]
    gemm(address, ta, tb, r1 - r0, c1 - c0, k, 1.0, rows, max(1, lda), columns, max(1, ldb), float(add), target, n)


@reordering
def _dot(a, i, b, j, count):
    """The sum of a[i + t] b[j + t] for t below ``count``."""
    total = a.dtype.type(0)
    for t in range(np.uint64(count)):
        total += a[np.uint64(i) + t] * b[np.uint64(j) + t]
    return total


@kernel
def _add_scaled(scale, source, start, to, at, count):
    """to[at : at + count] += scale source[start : start + count]."""
    for t in range(np.uint64(count)):
        to[np.uint64(at) + t] += scale * source[np.uint64(start) + t]
