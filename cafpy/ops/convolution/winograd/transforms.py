"""The one-dimensional maps of Winograd's F(4, 3) and F(2, 5): some outputs of a filter of some taps from six products.

    y = Aᵀ ((G w) ⊙ (Bᵀ d))         d six inputs; three weights w and four outputs y, or five and two

Both are exact at the points 0, ±1, ±2 and infinity, so they share Bᵀ, and `outputs` (4 or 2) tells them apart. In two
dimensions each map is applied along the columns and then along the rows: 36 products in place of 144 or 100. Backward
to the weights uses the transposes of A and G. (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
2015.)

Here a map works on sixteen maps of an image at once, which lie beside each other in memory (`cafpy.ops.kernel.lanes`).
It reads from one flat array and writes to another; `step` is from one of its inputs or outputs to the next.
"""

from __future__ import annotations

import numpy as np

from cafpy.ops.kernel.chunks import kernel
from cafpy.ops.kernel.lanes import load, store

_f = np.float32


@kernel
def input_line(x, i0, i1, i2, i3, i4, i5, v, at, step):
    """Bᵀ d; the inputs are at x[i0], x[i1] …"""
    a, b, c, d, e, f = load(x, i0), load(x, i1), load(x, i2), load(x, i3), load(x, i4), load(x, i5)
    p, q, r, s = e - _f(4) * c, d - _f(4) * b, e - c, _f(2) * (d - b)
    store(_f(4) * a + (e - _f(5) * c), v, at)
    store(p + q, v, at + step)
    store(p - q, v, at + 2 * step)
    store(r + s, v, at + 3 * step)
    store(r - s, v, at + 4 * step)
    store(_f(4) * b + (f - _f(5) * d), v, at + 5 * step)


@kernel
def output_line(outputs, m, start, m_step, y, at, step):
    """Aᵀ m."""
    m0, m1, m2 = load(m, start), load(m, start + m_step), load(m, start + 2 * m_step)
    m3, m4, m5 = load(m, start + 3 * m_step), load(m, start + 4 * m_step), load(m, start + 5 * m_step)
    s, u, v, w = m1 + m2, m1 - m2, m3 + m4, m3 - m4
    store(m0 + s + v, y, at)
    if outputs == 2:
        store(u + _f(2) * w + m5, y, at + step)
    else:
        store(u + _f(2) * w, y, at + step)
        store(s + _f(4) * v, y, at + 2 * step)
        store(u + _f(8) * w + m5, y, at + 3 * step)


@kernel
def gradient_line(outputs, dy, i0, i1, i2, i3, m, at, step):
    """A dy; the gradients of outputs are at dy[i0], dy[i1] and, if they are four, dy[i2] and dy[i3]."""
    a, b = load(dy, i0), load(dy, i1)
    if outputs == 2:
        store(a, m, at)
        store(a + b, m, at + step)
        store(a - b, m, at + 2 * step)
        store(a + _f(2) * b, m, at + 3 * step)
        store(a - _f(2) * b, m, at + 4 * step)
        store(b, m, at + 5 * step)
    else:
        c, d = load(dy, i2), load(dy, i3)
        even, odd, even4, odd4 = a + c, b + d, a + _f(4) * c, _f(2) * (b + _f(4) * d)
        store(a, m, at)
        store(even + odd, m, at + step)
        store(even - odd, m, at + 2 * step)
        store(even4 + odd4, m, at + 3 * step)
        store(even4 - odd4, m, at + 4 * step)
        store(d, m, at + 5 * step)


@kernel
def filter_line(outputs, w, start, w_step, u, at, step):
    """G w."""
    a, b, c = load(w, start), load(w, start + w_step), load(w, start + 2 * w_step)
    even, odd, even4, odd4, last = a + c, b, a + _f(4) * c, _f(2) * b, c
    if outputs == 2:
        d, e = load(w, start + 3 * w_step), load(w, start + 4 * w_step)
        even, odd, even4, odd4, last = even + e, odd + d, even4 + _f(16) * e, odd4 + _f(8) * d, e
    store(_f(1 / 4) * a, u, at)
    store(_f(-1 / 6) * (even + odd), u, at + step)
    store(_f(-1 / 6) * (even - odd), u, at + 2 * step)
    store(_f(1 / 24) * (even4 + odd4), u, at + 3 * step)
    store(_f(1 / 24) * (even4 - odd4), u, at + 4 * step)
    store(last, u, at + 5 * step)


@kernel
def filter_gradient_line(outputs, u, start, u_step, w, at, step):
    """Gᵀ u."""
    u0, u1, u2 = load(u, start), load(u, start + u_step), load(u, start + 2 * u_step)
    u3, u4, u5 = load(u, start + 3 * u_step), load(u, start + 4 * u_step), load(u, start + 5 * u_step)
    even, odd = _f(-1 / 6) * (u1 + u2), _f(-1 / 6) * (u1 - u2)
    even4, odd4 = _f(1 / 24) * (u3 + u4), _f(1 / 12) * (u3 - u4)
    store(_f(1 / 4) * u0 + even + even4, w, at)
    store(odd + odd4, w, at + step)
    if outputs == 2:
        store(even + _f(4) * even4, w, at + 2 * step)
        store(odd + _f(4) * odd4, w, at + 3 * step)
        store(even + _f(16) * even4 + u5, w, at + 4 * step)
    else:
        store(even + _f(4) * even4 + u5, w, at + 2 * step)
