"""Matrix products inside Numba kernels: SciPy's BLAS, called by its address.

The address comes as an argument and is not compiled in, or a kernel that calls it could not be cached on disk:

    gemm_address(x.dtype)                                             # in Python, once
    gemm(address, False, True, m, n, k, 1.0, a, k, b, k, 0.0, c, n)   # in a kernel: C = A Bᵀ

SciPy's BLAS must run on one thread (`cafpy.threads` sees to that): parallel kernels call it from each of theirs.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, njit, types
from numba.core import cgutils

intrinsic: Any = extending.intrinsic  # typed as if it left its functions' first argument to the caller
_ROUTINES = {np.dtype(np.float32): "sgemm", np.dtype(np.float64): "dgemm"}


@cache
def gemm_address(dtype: np.dtype) -> int:
    """Where the BLAS product of this dtype (float32 or float64) is: the first argument of :func:`gemm`."""
    return extending.get_cython_function_address("scipy.linalg.cython_blas", _ROUTINES[dtype])


@intrinsic
def _call_gemm(
    typingctx: Any, address: Any, ta: Any, tb: Any, m: Any, n: Any, k: Any,
    alpha: Any, a: Any, lda: Any, b: Any, ldb: Any, beta: Any, c: Any, ldc: Any,
) -> Any:  # fmt: skip
    """Fortran's GEMM on the first elements of three arrays; row-major C = A B is column-major Cᵀ = Bᵀ Aᵀ."""
    integer, flag = types.intp, types.boolean
    number = c.dtype
    signature = types.void(
        integer, flag, flag, integer, integer, integer, number, a, integer, b, integer, number, c, integer
    )

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc = args
        letter_type, int_type = ir.IntType(8), ir.IntType(32)
        real_type = ir.FloatType() if number == types.float32 else ir.DoubleType()

        def at(value: Any) -> Any:
            return cgutils.alloca_once_value(builder, value)

        def letter(transposed: Any) -> Any:
            return at(builder.select(transposed, letter_type(ord("t")), letter_type(ord("n"))))

        def size(value: Any) -> Any:
            return at(builder.trunc(value, int_type))

        def data(position: int, value: Any) -> Any:
            return context.make_array(signature.args[position])(context, builder, value).data

        text, whole, real = letter_type.as_pointer(), int_type.as_pointer(), real_type.as_pointer()
        kind = ir.FunctionType(
            ir.VoidType(), [text, text, whole, whole, whole, real, real, whole, real, whole, real, real, whole]
        )
        routine = builder.inttoptr(address, kind.as_pointer())
        builder.call(
            routine,
            [
                letter(tb), letter(ta), size(n), size(m), size(k), at(alpha),
                data(9, b), size(ldb), data(7, a), size(lda), at(beta), data(12, c), size(ldc),
            ],
        )  # fmt: skip
        return context.get_dummy_value()

    return signature, generate


@njit(nogil=True, cache=True)
def gemm(address, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
    """C = alpha op(A) op(B) + beta C, row-major; op(A) is m x k, op(B) is k x n, C is m x n.

    Arrays of one dtype, of any shape: only their first element's place counts, and the leading dimensions, which are
    the steps from one row to the next of A, B and C as they lie in memory. ``ta``, ``tb``: op transposes.
    """
    number = c.dtype.type
    _call_gemm(address, ta, tb, m, n, k, number(alpha), a, lda, b, ldb, number(beta), c, ldc)
