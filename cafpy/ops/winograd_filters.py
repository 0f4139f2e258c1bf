"""Filters of 3 x 3 inside Numba kernels: to their 36 planes, and gradients of the planes back. All arrays are flat."""

from __future__ import annotations

from cafpy.ops.chunks import kernel
from cafpy.ops.winograd_transforms import weight, weight_gradient


@kernel
def filter_planes(weights, start, n, flip, u, at, plane, work):
    """Planes u[at + q * plane + c] of the filters start <= start + c < start + n; uses 27 * n elements of ``work``."""
    f = work[9 * n :]
    for c in range(n):
        for j in range(9):
            work[(8 - j if flip else j) * n + c] = weights[(start + c) * 9 + j]
    for j in range(3):
        o = f[j * n :]
        weight(
            n, work[j * n :], work[(3 + j) * n :], work[(6 + j) * n :],
            o, o[3 * n :], o[6 * n :], o[9 * n :], o[12 * n :], o[15 * n :],
        )  # fmt: skip
    for i in range(6):
        a, o = f[3 * i * n :], u[at + 6 * i * plane :]
        weight(n, a, a[n:], a[2 * n :], o, o[plane:], o[2 * plane :], o[3 * plane :], o[4 * plane :], o[5 * plane :])


@kernel
def add_filter_gradients(u, at, plane, n, dweight, start, work):
    """Add to filters start <= start + c < start + n what the gradients u[at + q * plane + c] of their planes come to;
    uses 27 * n elements of ``work``."""
    f = work[9 * n :]
    for j in range(6):
        a, o = u[at + j * plane :], f[j * n :]
        weight_gradient(
            n, a, a[6 * plane :], a[12 * plane :], a[18 * plane :], a[24 * plane :], a[30 * plane :],
            o, o[6 * n :], o[12 * n :],
        )  # fmt: skip
    for i in range(3):
        a, o = f[6 * i * n :], work[3 * i * n :]
        weight_gradient(n, a, a[n:], a[2 * n :], a[3 * n :], a[4 * n :], a[5 * n :], o, o[n:], o[2 * n :])
    for c in range(n):
        for j in range(9):
            dweight[(start + c) * 9 + j] += work[j * n + c]
