"""The one-dimensional maps of Winograd's F(4, 3): four outputs of a filter of three taps from six products.

    y = Aᵀ ((G w) ⊙ (Bᵀ d))         d six inputs, w three weights, y four outputs; points 0, ±1, ±2 and infinity

In two dimensions each map is applied along the columns and then along the rows: 36 products in place of 144. Backward
to the weights uses the transposes of A and G. (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
2015.) Here a map works on many tiles at once, in loops that become SIMD: down the columns its inputs and outputs are
lines of their own; along the rows the inputs (or outputs) of a tile are neighbours in one line, four a tile.
"""

from __future__ import annotations

import numpy as np

from cafpy.ops.chunks import reordering

_f = np.float32


@reordering
def input_columns(n, d0, d1, d2, d3, d4, d5, v0, v1, v2, v3, v4, v5):
    """Bᵀ d for n tiles."""
    for t in range(n):
        a, b, c, d, e, f = d0[t], d1[t], d2[t], d3[t], d4[t], d5[t]
        p, q, r, s = e - _f(4) * c, d - _f(4) * b, e - c, _f(2) * (d - b)
        v0[t] = _f(4) * a - _f(5) * c + e
        v1[t], v2[t], v3[t], v4[t] = p + q, p - q, r + s, r - s
        v5[t] = _f(4) * b - _f(5) * d + f


@reordering
def input_rows(n, line, beyond, v0, v1, v2, v3, v4, v5):
    """Bᵀ d for n tiles: four inputs a tile in ``line``, and the other two where ``beyond`` has a tile's first two."""
    first, last = line[: 4 * n].reshape(n, 4), beyond[: 4 * n].reshape(n, 4)
    for t in range(n):
        a, b, c, d, e, f = first[t, 0], first[t, 1], first[t, 2], first[t, 3], last[t, 0], last[t, 1]
        p, q, r, s = e - _f(4) * c, d - _f(4) * b, e - c, _f(2) * (d - b)
        v0[t] = _f(4) * a - _f(5) * c + e
        v1[t], v2[t], v3[t], v4[t] = p + q, p - q, r + s, r - s
        v5[t] = _f(4) * b - _f(5) * d + f


@reordering
def output_columns(n, m0, m1, m2, m3, m4, m5, y0, y1, y2, y3):
    """Aᵀ m for n tiles."""
    for t in range(n):
        s, u, v, w = m1[t] + m2[t], m1[t] - m2[t], m3[t] + m4[t], m3[t] - m4[t]
        y0[t] = m0[t] + s + v
        y1[t] = u + _f(2) * w
        y2[t] = s + _f(4) * v
        y3[t] = u + _f(8) * w + m5[t]


@reordering
def output_rows(n, m0, m1, m2, m3, m4, m5, bias, line):
    """Aᵀ m + bias for n tiles, four outputs a tile in ``line``."""
    y = line[: 4 * n].reshape(n, 4)
    for t in range(n):
        s, u, v, w = m1[t] + m2[t], m1[t] - m2[t], m3[t] + m4[t], m3[t] - m4[t]
        y[t, 0] = m0[t] + s + v + bias
        y[t, 1] = u + _f(2) * w + bias
        y[t, 2] = s + _f(4) * v + bias
        y[t, 3] = u + _f(8) * w + m5[t] + bias


@reordering
def gradient_columns(n, y0, y1, y2, y3, m0, m1, m2, m3, m4, m5):
    """A y for n tiles."""
    for t in range(n):
        a, b, c, d = y0[t], y1[t], y2[t], y3[t]
        p, q, r, s = a + c, b + d, a + _f(4) * c, _f(2) * b + _f(8) * d
        m0[t], m1[t], m2[t], m3[t], m4[t], m5[t] = a, p + q, p - q, r + s, r - s, d


@reordering
def gradient_rows(n, line, m0, m1, m2, m3, m4, m5):
    """A y for n tiles, four inputs a tile in ``line``."""
    y = line[: 4 * n].reshape(n, 4)
    for t in range(n):
        a, b, c, d = y[t, 0], y[t, 1], y[t, 2], y[t, 3]
        p, q, r, s = a + c, b + d, a + _f(4) * c, _f(2) * b + _f(8) * d
        m0[t], m1[t], m2[t], m3[t], m4[t], m5[t] = a, p + q, p - q, r + s, r - s, d


@reordering
def weight(n, w0, w1, w2, u0, u1, u2, u3, u4, u5):
    """G w for n filters."""
    for t in range(n):
        a, b, c = w0[t], w1[t], w2[t]
        s, r = (a + c) * _f(-1 / 6), a * _f(1 / 24) + c * _f(1 / 6)
        u0[t] = a * _f(1 / 4)
        u1[t], u2[t] = s - b * _f(1 / 6), s + b * _f(1 / 6)
        u3[t], u4[t] = r + b * _f(1 / 12), r - b * _f(1 / 12)
        u5[t] = c


@reordering
def weight_gradient(n, u0, u1, u2, u3, u4, u5, w0, w1, w2):
    """Gᵀ u for n filters."""
    for t in range(n):
        s, r = (u1[t] + u2[t]) * _f(1 / 6), u3[t] + u4[t]
        w0[t] = u0[t] * _f(1 / 4) - s + r * _f(1 / 24)
        w1[t] = (u2[t] - u1[t]) * _f(1 / 6) + (u3[t] - u4[t]) * _f(1 / 12)
        w2[t] = u5[t] - s + r * _f(1 / 6)
