"""One time step of an LSTM behind its matrix products, and the gradient.

n sequences, d cells each. ``gates`` is n × 4d: input, forget and output gate and the new content of each cell, first
before, then after their squashing; ``cont`` has n factors of the forget gate: 0 where a sequence begins, else 1.
(Hochreiter and Schmidhuber, Long Short-Term Memory, 1997; the variant of Zaremba and Sutskever, Learning to Execute,
2014, that Caffe has.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import get_num_threads, njit

from cafpy.backend import Array
from cafpy.ops.kernel.threaded import NO_INDICES, NO_NUMBERS, threaded
from cafpy.ops.kernel.vector_math import tanh
from cafpy.ops.routine import routine

_SMALL = 1 << 12  # cells; fewer are not worth waking threads for


@routine
def lstm_unit(xp: Any, c_prev: Array, cont: Array, gates: Array, c: Array, h: Array) -> None:
    """c = f · c_prev + i · g and h = o · tanh(c), with i, f, o = sigmoid and g = tanh of their parts of ``gates``, and
    f then times cont. ``gates`` becomes i, f, o, g."""
    d = c.shape[1]
    squashed, content = gates[:, : 3 * d], gates[:, 3 * d :]
    squashed *= 0.5  # sigmoid(x) = (1 + tanh(x / 2)) / 2, which cannot overflow
    xp.tanh(gates, out=gates)
    squashed += 1
    squashed *= 0.5
    i, f, o = (squashed[:, k * d : (k + 1) * d] for k in range(3))
    f *= cont[:, None]
    c[...] = f * c_prev + i * content
    h[...] = o * xp.tanh(c)


@routine
def lstm_unit_backward(xp: Any, c_prev: Array, gates: Array, c: Array, d: Array, dgates: Array) -> None:
    """The gradient of :func:`lstm_unit`, with ``gates`` and c as it left them.

    d, 2 × n × d, holds the gradients of c and of h; that of c becomes that of c_prev. The gradient of the forget gate
    is dc · c_prev · f (1 - f), f with its factor cont, as Caffe has it; for a cont other than 0 and 1 it should be
    f (1 - f / cont).
    """
    cells = c.shape[1]
    i, f, o, g = (gates[:, k * cells : (k + 1) * cells] for k in range(4))
    di, df, do, dg = (dgates[:, k * cells : (k + 1) * cells] for k in range(4))
    dc, dh, squashed = d[0], d[1], xp.tanh(c)
    dc += dh * o * (1 - squashed * squashed)
    di[...] = dc * g * i * (1 - i)
    df[...] = dc * c_prev * f * (1 - f)
    do[...] = dh * squashed * o * (1 - o)
    dg[...] = dc * i * (1 - g * g)
    dc *= f


@lstm_unit.body("numba")
def _lstm_unit(c_prev: Array, cont: Array, gates: Array, c: Array, h: Array) -> None:
    _forward(_threads(c), NO_NUMBERS, NO_INDICES, c_prev, cont, gates, c, h)


@lstm_unit_backward.body("numba")
def _lstm_unit_backward(c_prev: Array, gates: Array, c: Array, d: Array, dgates: Array) -> None:
    _backward(_threads(c), np.array(c.shape), NO_INDICES, c_prev, gates, c, d, dgates)


def _threads(c: Array) -> int:
    return 1 if c.size < _SMALL else get_num_threads()


@threaded
def _forward(thread, threads, numbers, indices, c_prev, cont, gates, c, h):
    sequences = cont.size
    cells = c.size // sequences
    half, one = gates.dtype.type(0.5), gates.dtype.type(1)
    for n in range(thread * sequences // threads, (thread + 1) * sequences // threads):
        at = 4 * n * cells
        squashed, g = gates[at : at + 3 * cells], gates[at + 3 * cells : at + 4 * cells]
        for j in range(squashed.size):
            squashed[j] = (tanh(squashed[j] * half) + one) * half
        i, f, o = squashed[:cells], squashed[cells : 2 * cells], squashed[2 * cells :]
        before, now = c_prev[n * cells : (n + 1) * cells], c[n * cells : (n + 1) * cells]
        out = h[n * cells : (n + 1) * cells]
        for j in range(cells):
            f[j] *= cont[n]
        for j in range(cells):
            g[j] = tanh(g[j])
        for j in range(cells):
            now[j] = f[j] * before[j] + i[j] * g[j]
        for j in range(cells):
            out[j] = o[j] * tanh(now[j])


@threaded
def _backward(thread, threads, numbers, indices, c_prev, gates, c, d, dgates):
    sequences, cells = numbers
    one = gates.dtype.type(1)
    for n in range(thread * sequences // threads, (thread + 1) * sequences // threads):
        at = n * cells
        before, now = c_prev[at : at + cells], c[at : at + cells]
        dc, dh = d[at : at + cells], d[sequences * cells + at : sequences * cells + at + cells]
        i, f, o, g = _quarters(gates, 4 * at, cells)
        di, df, do, dg = _quarters(dgates, 4 * at, cells)
        for j in range(cells):
            squashed = tanh(now[j])
            inside = dc[j] + dh[j] * o[j] * (one - squashed * squashed)
            di[j] = inside * g[j] * i[j] * (one - i[j])
            df[j] = inside * before[j] * f[j] * (one - f[j])
            do[j] = dh[j] * squashed * o[j] * (one - o[j])
            dg[j] = inside * i[j] * (one - g[j] * g[j])
            dc[j] = inside * f[j]


@njit
def _quarters(gates, at, cells):
    """The parts of one sequence's gates, which begin at ``at``."""
    return (
        gates[at : at + cells],
        gates[at + cells : at + 2 * cells],
        gates[at + 2 * cells : at + 3 * cells],
        gates[at + 3 * cells : at + 4 * cells],
    )
