"""One time step of an LSTM behind its matrix products, and the gradient.

n sequences, d cells each. ``gates`` is n × 4d: input, forget and output gate and the new content of each cell, first
before, then after their squashing; ``cont`` has n factors of the forget gate: 0 where a sequence begins, else 1.
(Hochreiter and Schmidhuber, Long Short-Term Memory, 1997; the variant of Zaremba and Sutskever, Learning to Execute,
2014, that Caffe has.)
"""

from __future__ import annotations

from typing import Any

from numba import njit, prange

from cafpy.backend import Array
from cafpy.ops.routine import routine
from cafpy.ops.vector_math import tanh

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
def lstm_unit_backward(
    xp: Any, c_prev: Array, gates: Array, c: Array, dc: Array, dh: Array, dc_prev: Array, dgates: Array
) -> None:
    """The gradient of :func:`lstm_unit`; ``gates`` and c as it left them.

    That of the forget gate is inside · c_prev · f (1 - f), f with its factor cont, as Caffe has it; for a cont other
    than 0 and 1 it should be f (1 - f / cont).
    """
    d = c.shape[1]
    i, f, o, g = (gates[:, k * d : (k + 1) * d] for k in range(4))
    di, df, do, dg = (dgates[:, k * d : (k + 1) * d] for k in range(4))
    squashed = xp.tanh(c)
    inside = dc + dh * o * (1 - squashed * squashed)
    dc_prev[...] = inside * f
    di[...] = inside * g * i * (1 - i)
    df[...] = inside * c_prev * f * (1 - f)
    do[...] = dh * squashed * o * (1 - o)
    dg[...] = inside * i * (1 - g * g)


@lstm_unit.body("numba")
def _lstm_unit(c_prev: Array, cont: Array, gates: Array, c: Array, h: Array) -> None:
    _lstm_unit_kernel(c_prev, cont, gates, c, h)


@lstm_unit_backward.body("numba")
def _lstm_unit_backward(
    c_prev: Array, gates: Array, c: Array, dc: Array, dh: Array, dc_prev: Array, dgates: Array
) -> None:
    _lstm_unit_backward_kernel(c_prev, gates, c, dc, dh, dc_prev, dgates)


@njit(cache=True, parallel=True, error_model="numpy")
def _lstm_unit_kernel(c_prev, cont, gates, c, h):
    if c.size < _SMALL:
        for n in range(c.shape[0]):
            _forward_one(c_prev[n], cont[n], gates[n], c[n], h[n])
    else:
        for n in prange(c.shape[0]):
            _forward_one(c_prev[n], cont[n], gates[n], c[n], h[n])


@njit(cache=True, error_model="numpy")
def _forward_one(c_prev, cont, gates, c, h):
    d = c.size
    half, one = gates.dtype.type(0.5), gates.dtype.type(1)
    squashed, content = gates[: 3 * d], gates[3 * d :]
    for j in range(3 * d):
        squashed[j] = (tanh(squashed[j] * half) + one) * half
    i, f, o = gates[:d], gates[d : 2 * d], gates[2 * d : 3 * d]
    for j in range(d):
        f[j] *= cont
    for j in range(d):
        content[j] = tanh(content[j])
    for j in range(d):
        c[j] = f[j] * c_prev[j] + i[j] * content[j]
    for j in range(d):
        h[j] = o[j] * tanh(c[j])


@njit(cache=True, parallel=True, error_model="numpy")
def _lstm_unit_backward_kernel(c_prev, gates, c, dc, dh, dc_prev, dgates):
    if c.size < _SMALL:
        for n in range(c.shape[0]):
            _backward_one(c_prev[n], gates[n], c[n], dc[n], dh[n], dc_prev[n], dgates[n])
    else:
        for n in prange(c.shape[0]):
            _backward_one(c_prev[n], gates[n], c[n], dc[n], dh[n], dc_prev[n], dgates[n])


@njit(cache=True, error_model="numpy")
def _backward_one(c_prev, gates, c, dc, dh, dc_prev, dgates):
    d = c.size
    one = gates.dtype.type(1)
    i, f, o, g = gates[:d], gates[d : 2 * d], gates[2 * d : 3 * d], gates[3 * d :]
    di, df, do, dg = dgates[:d], dgates[d : 2 * d], dgates[2 * d : 3 * d], dgates[3 * d :]
    for j in range(d):
        squashed = tanh(c[j])
        inside = dc[j] + dh[j] * o[j] * (one - squashed * squashed)
        dc_prev[j] = inside * f[j]
        di[j] = inside * g[j] * i[j] * (one - i[j])
        df[j] = inside * c_prev[j] * f[j] * (one - f[j])
        do[j] = dh[j] * squashed * o[j] * (one - o[j])
        dg[j] = inside * i[j] * (one - g[j] * g[j])
