"""More that can be done with sixteen numbers at once (`cafpy.ops.kernel.lanes`): division, powers, the larger one,
fetching ahead."""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import extending, types

from cafpy.ops.kernel.lanes import LANES, fetch_line, lanes, pointer, spread

intrinsic: Any = extending.intrinsic  # typed as if it left its functions' first argument to the caller
_int = ir.IntType(32)
_integers = ir.VectorType(_int, LANES)
# 1.25 times the bits of 1, less what makes the first guess of s^-1/4 good to 3 % either way
_FOURTH = 0x4F588000


@intrinsic
def _divide(typingctx: Any, a: Any, b: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fdiv(*args)

    return lanes(lanes, lanes), generate


@extending.overload(operator.truediv, strict=False)
def _(a: Any, b: Any) -> Any:
    if a is lanes and b is lanes:
        return lambda a, b: _divide(a, b)
    return None


@intrinsic
def inverse_fourth_root(typingctx: Any, value: Any) -> Any:
    """value^(-1/4) of numbers from 1e-30 on; infinity counts as the largest number, nan stays.

    Newton's steps r (5 - s r⁴) / 4 from a guess by the number's bits, without division or roots: 2 ulp off at most.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def constant(number: float) -> Any:
            return spread(builder, ir.FloatType()(number))

        def times(a: Any, b: Any) -> Any:
            return builder.fmul(a, b, flags=("contract",))

        largest = constant(3.0e38)
        s = builder.select(builder.fcmp_ordered(">", args[0], largest), largest, args[0])
        bits = builder.lshr(builder.bitcast(s, _integers), _integers([2] * LANES))
        r = builder.bitcast(builder.sub(_integers([_FOURTH] * LANES), bits), s.type)
        quarter = times(s, constant(-0.25))
        for _ in range(3):
            square = times(r, r)
            # in this order, as r⁴ of a large s would be too small for a float
            term = builder.fadd(times(times(quarter, square), square), constant(0.25), flags=("contract",))
            r = builder.fadd(times(r, term), r, flags=("contract",))
        return r

    return lanes(lanes), generate


@intrinsic
def fetch(typingctx: Any, array: Any, index: Any) -> Any:
    """Have the processor fetch what lies around array[index], which may be beyond its end."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        fetch_line(builder, pointer(context, builder, signature.args[0], *args))
        return context.get_dummy_value()

    return types.void(array, types.intp), generate
