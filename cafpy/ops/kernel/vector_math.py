"""exp, log and tanh that compile to SIMD instructions inside a Numba loop.

LLVM cannot vectorise a loop that calls the C library's expf, and one call an element is ten times slower than the rest
of an element-wise layer. These are polynomials without branches, so the loop around them becomes SIMD. Only single
precision needs them (double is for gradient checks, and calls the C library). Errors, in units of 2^-24 relative to the
result: exp 1.6, log 2, tanh 3 (measured in tests/ops/kernel/test_vector_math.py); inf, nan and zeros as C gives them.

    from cafpy.ops.kernel.vector_math import exp     # in Numba code and in plain Python alike
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

_f, _i = np.float32, np.int32
# contract: a * b + c in one instruction. Left unsaid, fastmath would be the caller's, and its reassociation would undo
# the rounding below.
inline = njit(forceinline=True, error_model="numpy", fastmath={"contract"})

_LOG2_E = _f(1.44269504)
_LN_2_HIGH = _f(0.693359375)  # exact in ten bits, so that k * _LN_2_HIGH is exact
_LN_2_LOW = _f(-2.12194440e-4)
# adding this to a small float leaves its nearest integer in the low bits
_ROUND, _ROUND_BITS = _f(1.5 * 2**23), _i(0x4B400000)
_SQRT_HALF_BITS = _i(0x3F3504F3)
# c with tanh x = x + x³ (c0 + c1 x² + … + c4 x^8) on [0, 0.6], by least squares at Chebyshev points
_TANH = tuple(map(_f, (-0.33333302, 0.13332012, -0.053790834, 0.020818291, -0.0059199105)))


def exp(x: Any) -> Any:
    """e to the power ``x``."""
    return np.exp(x)


def log(x: Any) -> Any:
    """Natural logarithm of ``x``."""
    return np.log(x)


def tanh(x: Any) -> Any:
    """Hyperbolic tangent of ``x``."""
    return np.tanh(x)


@inline
def _exp(x):
    """x = k ln 2 + r, |r| <= ln 2 / 2; e^r by its Taylor series; 2^k in two factors, as each alone might overflow."""
    x = _f(89) if x > _f(89) else x
    x = _f(-104) if x < _f(-104) else x
    shifted = _f(x * _LOG2_E + _ROUND)
    k = shifted.view(np.int32) - _ROUND_BITS
    whole = shifted - _ROUND
    r = x - whole * _LN_2_HIGH - whole * _LN_2_LOW
    p = _f(1 / 5040) * r + _f(1 / 720)
    p = p * r + _f(1 / 120)
    p = p * r + _f(1 / 24)
    p = p * r + _f(1 / 6)
    p = p * r + _f(1 / 2)
    p = p * r * r + r + _f(1)
    half = k >> _i(1)
    return p * _power_of_two(half) * _power_of_two(k - half)


@inline
def _power_of_two(k):
    return _i((k + _i(127)) << _i(23)).view(np.float32)


@inline
def _log(x):
    """x = m 2^k, m in [sqrt ½, sqrt 2); log m = 2 artanh(s) with s = (m-1)/(m+1), by its series in s²."""
    tiny = x < _f(1.17549435e-38)
    bits = _f(x * _f(2**24) if tiny else x).view(np.int32)
    k = (bits - _SQRT_HALF_BITS) >> _i(23)
    m = _i(bits - (k << _i(23))).view(np.float32) - _f(1)
    s = m / (_f(2) + m)
    z = s * s
    p = _f(2 / 9) * z + _f(2 / 7)
    p = p * z + _f(2 / 5)
    p = p * z + _f(2 / 3)
    power = _f(k) - (_f(24) if tiny else _f(0))
    # log m = m - s (m - p z): m itself is exact, so the small rest may round
    y = power * _LN_2_HIGH + (m - s * (m - p * z) + power * _LN_2_LOW)
    y = y if x > _f(0) else (_f(-np.inf) if x == _f(0) else _f(np.nan))
    return y if x < _f(np.inf) else x


@inline
def _tanh(x):
    """1 - 2 / (e^2|x| + 1); near zero, where that cancels, x + x³ P(x²)."""
    size = abs(x)
    z = x * x
    p = _TANH[4] * z + _TANH[3]
    p = p * z + _TANH[2]
    p = p * z + _TANH[1]
    p = p * z + _TANH[0]
    large = _f(1) - _f(2) / (_exp(_f(2) * size) + _f(1))
    large = large if x > _f(0) else -large
    return large if size > _f(0.6) else x + x * z * p


def _overload(function: Callable[..., Any], in_single: Any, in_c: Any) -> None:
    @overload(function)
    def choose(x):
        if x == types.float32:
            return lambda x: in_single(x)
        return lambda x: in_c(x)


_overload(exp, _exp, np.exp)
_overload(log, _log, np.log)
_overload(tanh, _tanh, np.tanh)
