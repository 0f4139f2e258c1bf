"""Moves and sums in pieces of 64 bytes, for kernels whose loops are too short for a compiler's vectorised ones.

A chunk is n elements, one AVX-512 register or several smaller ones. All arrays are flat and of one dtype; no bounds
are checked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, njit, types
from numba.core import cgutils

intrinsic: Any = extending.intrinsic  # typed as if it left its functions' first argument to the caller
CHUNK = 64  # bytes
SLACK = 16  # elements at the end of a buffer that a chunk may run over

# what kernels are made of: compiled into them, never called from Python
_inner: dict[str, Any] = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
kernel = njit(**_inner)
reordering = njit(**_inner, fastmath={"reassoc", "contract"})  # sums in any order, so that they become SIMD


def variant(function: Any, *numbers: int) -> Any:
    """The function, one of several that are made of the same lines with other ``numbers``, compiled as a `kernel`.

    The numbers go into its name, by which machine code finds it: where kernels that were cached at different times come
    together, two of one name would be taken for one.
    """
    function.__name__ = function.__qualname__ = "_".join([function.__name__, *map(str, numbers)])
    return kernel(function)


def _element(context: Any, builder: Any, signature: Any, args: Any, position: int, index: Any = None) -> Any:
    """Pointer to an element of the array args[position]; its index is the next argument unless given."""
    array = context.make_array(signature.args[position])(context, builder, args[position])
    return builder.gep(array.data, [args[position + 1] if index is None else index])


def _vector(
    context: Any, builder: Any, signature: Any, args: Any, position: int, index: Any = None, size: int = 0
) -> Any:
    """Pointer to the chunk, or the ``size`` elements, that start there."""
    size = size or CHUNK // (signature.args[position].dtype.bitwidth // 8)
    number = context.get_value_type(signature.args[position].dtype)
    element = _element(context, builder, signature, args, position, index)
    return builder.bitcast(element, ir.VectorType(number, size).as_pointer())


@intrinsic
def copy(typingctx: Any, source: Any, start: Any, to: Any, at: Any, count: Any) -> Any:
    """to[at : at + count] = source[start : start + count], two different arrays."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target = _element(context, builder, signature, args, 2)
        size = builder.mul(args[4], args[4].type(signature.args[2].dtype.bitwidth // 8))
        cgutils.raw_memcpy(builder, target, _element(context, builder, signature, args, 0), size, 1)
        return context.get_dummy_value()

    return types.void(source, types.intp, to, types.intp, types.intp), generate


@intrinsic
def clear(typingctx: Any, to: Any, at: Any, count: Any) -> Any:
    """to[at : at + count] = 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        size = builder.mul(args[2], args[2].type(signature.args[0].dtype.bitwidth // 8))
        cgutils.memset(builder, _element(context, builder, signature, args, 0), size, 0)
        return context.get_dummy_value()

    return types.void(to, types.intp, types.intp), generate


def _spread(builder: Any, value: Any, size: int) -> Any:
    """A vector of ``size`` times the same value."""
    vector = ir.VectorType(value.type, size)
    one = builder.insert_element(vector(ir.Undefined), value, ir.IntType(32)(0))
    return builder.shuffle_vector(one, vector(ir.Undefined), ir.VectorType(ir.IntType(32), size)([0] * size))


def _first(builder: Any, count: Any, size: int) -> Any:
    """A vector of ``size`` flags, of which the first ``count`` are true."""
    count = builder.trunc(count, ir.IntType(32))
    return builder.icmp_signed("<", ir.VectorType(count.type, size)(list(range(size))), _spread(builder, count, size))


def _add(builder: Any, value: Any, target: Any) -> None:
    """Add a chunk to what is in memory; a product may be added without being rounded first."""
    builder.store(builder.fadd(builder.load(target, align=4), value, flags=("contract",)), target, align=4)


@intrinsic
def copy_chunk(typingctx: Any, source: Any, j: Any, to: Any, i: Any) -> Any:
    """to[i : i + n] = source[j : j + n]."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = builder.load(_vector(context, builder, signature, args, 0), align=4)
        builder.store(value, _vector(context, builder, signature, args, 2), align=4)
        return context.get_dummy_value()

    return types.void(source, types.intp, to, types.intp), generate


@intrinsic
def add_chunk(typingctx: Any, source: Any, j: Any, to: Any, i: Any, count: Any) -> Any:
    """to[i : i + count] += source[j : j + count], but not more than n elements."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = builder.load(_vector(context, builder, signature, args, 0), align=4)
        inside = _first(builder, args[4], value.type.count)
        value = builder.select(inside, value, value.type([0.0] * value.type.count))
        _add(builder, value, _vector(context, builder, signature, args, 2))
        return context.get_dummy_value()

    return types.void(source, types.intp, to, types.intp, types.intp), generate


@intrinsic
def add_scaled_chunk(typingctx: Any, scale: Any, source: Any, j: Any, to: Any, i: Any) -> Any:
    """to[i : i + n] += scale * source[j : j + n]."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = builder.load(_vector(context, builder, signature, args, 1), align=4)
        product = builder.fmul(value, _spread(builder, args[0], value.type.count), flags=("contract",))
        _add(builder, product, _vector(context, builder, signature, args, 3))
        return context.get_dummy_value()

    return types.void(source.dtype, source, types.intp, to, types.intp), generate


@intrinsic
def add_product_chunk(typingctx: Any, a: Any, j: Any, b: Any, k: Any, to: Any, i: Any) -> Any:
    """to[i : i + n] += a[j : j + n] * b[k : k + n]."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        one = builder.load(_vector(context, builder, signature, args, 0), align=4)
        other = builder.load(_vector(context, builder, signature, args, 2), align=4)
        product = builder.fmul(one, other, flags=("contract",))
        _add(builder, product, _vector(context, builder, signature, args, 4))
        return context.get_dummy_value()

    return types.void(a, types.intp, b, types.intp, to, types.intp), generate


@intrinsic
def weighted_chunk(
    typingctx: Any, source: Any, j: Any, offsets: Any, weights: Any, first: Any, count: Any, start: Any, to: Any, i: Any
) -> Any:
    """to[i : i + n] = start + the sum over t < count of weights[first + t] * source[j + offsets[t] : … + n].

    ``offsets`` is int32.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target = _vector(context, builder, signature, args, 7)
        size = target.type.pointee.count
        total = cgutils.alloca_once_value(builder, _spread(builder, args[6], size))
        with cgutils.for_range(builder, args[5]) as loop:
            weight = builder.load(_element(context, builder, signature, args, 3, builder.add(args[4], loop.index)))
            value = _load_shifted(context, builder, signature, args, loop.index)
            product = builder.fmul(value, _spread(builder, weight, size), flags=("contract",))
            builder.store(builder.fadd(builder.load(total), product, flags=("contract",)), total)
        builder.store(builder.load(total), target, align=4)
        return context.get_dummy_value()

    index, number = types.intp, to.dtype
    return types.void(source, index, offsets, weights, index, index, number, to, index), generate


@intrinsic
def largest_chunk(
    typingctx: Any, source: Any, j: Any, offsets: Any, first: Any, count: Any, to: Any, i: Any, which: Any, k: Any
) -> Any:
    """to[i : i + n] = the largest over first <= t < first + count of source[j + offsets[t] : … + n]; NaN counts as
    larger than all. which[k : k + n], int32, becomes its t, and stays as it is where all are -inf."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target = _vector(context, builder, signature, args, 5)
        vector = target.type.pointee
        places = _vector(context, builder, signature, args, 7, size=vector.count)
        best = cgutils.alloca_once_value(builder, vector([float("-inf")] * vector.count))
        place = cgutils.alloca_once_value(builder, builder.load(places, align=4))
        with cgutils.for_range(builder, args[4]) as loop:
            t = builder.add(args[3], loop.index)
            value, before = _load_shifted(context, builder, signature, args, t), builder.load(best)
            better = builder.fcmp_ordered(">", value, before)
            better = builder.or_(better, builder.fcmp_unordered("uno", value, value))
            here = _spread(builder, builder.trunc(t, ir.IntType(32)), vector.count)
            builder.store(builder.select(better, value, before), best)
            builder.store(builder.select(better, here, builder.load(place)), place)
        builder.store(builder.load(best), target, align=4)
        builder.store(builder.load(place), places, align=4)
        return context.get_dummy_value()

    index = types.intp
    return types.void(source, index, offsets, index, index, to, index, which, index), generate


def _load_shifted(context: Any, builder: Any, signature: Any, args: Any, t: Any) -> Any:
    """The chunk at args[0][args[1] + args[2][t]]."""
    offset = builder.load(_element(context, builder, signature, args, 2, t))
    start = builder.add(args[1], builder.sext(offset, args[1].type))
    return builder.load(_vector(context, builder, signature, args, 0, start), align=4)


@kernel
def fill(to, at, count, value):
    """to[at : at + count] = value."""
    for j in range(np.uint64(at), np.uint64(at + count)):
        to[j] = value


@reordering
def total(array, start, stop):
    """The sum of array[start : stop]."""
    result = array.dtype.type(0)
    for j in range(np.uint64(start), np.uint64(stop)):
        result += array[j]
    return result
