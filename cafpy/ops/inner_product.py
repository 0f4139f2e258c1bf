"""Product of two matrices, written to a third or added to it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numba
import numpy as np

from cafpy.backend import Array
from cafpy.ops.inner_product_kernels import SCRATCH, multiply
from cafpy.ops.kernel.blas import gemm, gemm_address
from cafpy.ops.kernel.chunks import fill, kernel, reordering
from cafpy.ops.kernel.lane_product import WIDE
from cafpy.ops.kernel.lanes import LANES
from cafpy.ops.kernel.threaded import NO_INDICES, threaded
from cafpy.ops.kernel.workspace import workspace
from cafpy.ops.routine import routine

SERIAL = 1 << 22  # multiplications for which it does not pay to wake other threads
MOVED = 8  # multiplications in the time in which a number is moved
LEAST = 1_000_000  # multiplications up to which OpenBLAS has kernels that do not rearrange their operands first
PACKED = 1 << 17  # elements of a part of a matrix that is packed: half a megabyte of an L2 cache
MOST_COLUMNS = 1 << 9  # of such a part
FEW_ROWS = 4  # so few, or columns, that BLAS would take longer to rearrange the other matrix than to multiply


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
    if pays(a, b):
        _in_registers(a, b, c, add)
    else:
        by_blas(a, b, c, add)


def pays(a: Array, b: Array) -> bool:
    """Whether blocks in registers are faster than BLAS: it has kernels of their own for small products, and is as good
    where both matrices lie as its sums go down their columns."""
    large = a.size * b.shape[1] >= LEAST and a.shape[0] > 1 and b.shape[1] > 1 and a.shape[1] > FEW_ROWS
    return large and a.dtype == np.float32 and a.flags.c_contiguous


def _threads(a: Array, b: Array) -> int:
    work = a.size * b.shape[1] + MOVED * (a.size + b.size)
    return 1 if work < SERIAL else numba.get_num_threads()


def _in_registers(a: Array, b: Array, c: Array, add: bool) -> None:
    turned = not b.flags.c_contiguous
    flipped = turned and a.size < b.size  # c.T = b.T a.T: the smaller one is packed
    if flipped:
        a, b = b.T, a.T
    (m, k), n = a.shape, b.shape[1]
    threads = _threads(a, b)
    numbers, room = _plan(m, n, k, turned, flipped, add, threads)
    multiply(threads, numbers, NO_INDICES, a, b.T if turned else b, c, workspace(threads * room, c.dtype))


@lru_cache
def _plan(m: int, n: int, k: int, turned: bool, flipped: bool, add: bool, threads: int) -> tuple[np.ndarray, int]:
    """The numbers for the kernel, and elements of work space for each thread."""
    by_rows = m >= n
    width = min(n, MOST_COLUMNS)
    # of a matrix that is only copied, the next part is fetched beside this one
    depth = min(k, max(LANES, (PACKED if turned else PACKED // 2) // width))
    depth = -(-k // -(-k // depth))
    room = (depth + LANES) * -(-width // WIDE) * WIDE + SCRATCH
    bits = ((width - 1) // LANES).bit_length()
    shift = max(0, (m // (threads if by_rows else 1) // LANES).bit_length() - 1)
    shape = (m, n, k, turned, k if turned else n, flipped, m if flipped else n, add)
    return np.array([*shape, by_rows, depth, width, room, bits, shift], np.int64), room


def by_blas(a: Array, b: Array, c: Array, add: bool) -> None:
    """:func:`add_product` by OpenBLAS, which is also what the other way is measured against."""
    (m, k), n = a.shape, b.shape[1]
    ta, tb = not a.flags.c_contiguous, not b.flags.c_contiguous
    numbers = _numbers(gemm_address(c.dtype), m, n, k, ta, tb, add)
    _add_product(_threads(a, b), numbers, NO_INDICES, a.T if ta else a, b.T if tb else b, c)


@lru_cache
def _numbers(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


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
    if (m <= FEW_ROWS and not ta) or (k <= FEW_ROWS and not tb):
        for i in range(r0, r1):
            if not add:
                fill(c, i * n + c0, c1 - c0, c.dtype.type(0))
            if tb:
                for j in range(c0, c1):
                    c[i * n + j] += _dot(a, i * k, b, j * k, k)
            else:
                for t in range(k):
                    scale = a[t * m + i] if ta else a[i * k + t]
                    _add_scaled(scale, b, t * n + c0, c, i * n + c0, c1 - c0)
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
