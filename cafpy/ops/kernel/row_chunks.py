"""Rows of maps in pieces of 64 bytes whose last is masked, so that no element beyond a row is read from or written to a
blob; for kernels whose windows have a fixed number of places, so that their weights stay in registers.

A chunk is n elements, as in `cafpy.ops.kernel.chunks`. All arrays are flat and of one dtype; no bounds are checked.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from cafpy.ops.kernel.chunks import _element, _first, _spread, _vector, intrinsic
from cafpy.ops.kernel.lanes import fetch_line

AHEAD = 1 << 13  # bytes
_index = ir.IntType(64)


def _chunks(builder: Any, count: Any, size: int) -> Any:
    """How many chunks of ``size`` hold ``count`` elements."""
    return builder.udiv(builder.add(count, _index(size - 1)), _index(size))


def _pointer(builder: Any, pointer: Any, offset: Any, size: int) -> Any:
    element = builder.bitcast(pointer, pointer.type.pointee.element.as_pointer())
    return builder.bitcast(builder.gep(element, [builder.mul(offset, _index(size))]), pointer.type)


def _load(builder: Any, pointer: Any, left: Any) -> Any:
    """The chunk there, of which only the first ``left`` elements are read; the others are 0."""
    vector = pointer.type.pointee
    name = f"llvm.masked.load.v{vector.count}f{32 if isinstance(vector.element, ir.FloatType) else 64}.p0"
    flags = ir.VectorType(ir.IntType(1), vector.count)
    kind = ir.FunctionType(vector, [pointer.type, ir.IntType(32), flags, vector])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    zeros = vector([0.0] * vector.count)
    return builder.call(function, [pointer, ir.IntType(32)(4), _first(builder, left, vector.count), zeros])


def _store(builder: Any, value: Any, pointer: Any, left: Any) -> None:
    """Write the first ``left`` elements of a chunk."""
    vector = pointer.type.pointee
    name = f"llvm.masked.store.v{vector.count}f{32 if isinstance(vector.element, ir.FloatType) else 64}.p0"
    flags = ir.VectorType(ir.IntType(1), vector.count)
    kind = ir.FunctionType(ir.VoidType(), [vector, pointer.type, ir.IntType(32), flags])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    builder.call(function, [value, pointer, ir.IntType(32)(4), _first(builder, left, vector.count)])


def _expect(builder: Any, pointer: Any, write: bool) -> None:
    """Have the processor fetch what lies AHEAD: the next block's rows, while this one is worked on."""
    byte = builder.gep(builder.bitcast(pointer, ir.IntType(8).as_pointer()), [_index(AHEAD)])
    fetch_line(builder, byte, write)


@intrinsic
def put_row(typingctx: Any, source: Any, j: Any, count: Any, to: Any, i: Any) -> Any:
    """to[i : i + count] = source[j : j + count], and zeros to the end of the last chunk."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        origin, target = (_vector(context, builder, signature, args, at) for at in (0, 3))
        size = origin.type.pointee.count
        with cgutils.for_range(builder, _chunks(builder, args[2], size)) as loop:
            left = builder.sub(args[2], builder.mul(loop.index, _index(size)))
            here = _pointer(builder, origin, loop.index, size)
            _expect(builder, here, False)
            value = _load(builder, here, left)
            builder.store(value, _pointer(builder, target, loop.index, size), align=4)
        return context.get_dummy_value()

    return types.void(source, types.intp, types.intp, to, types.intp), generate


@intrinsic
def clear_row(typingctx: Any, to: Any, i: Any, count: Any) -> Any:
    """to[i : i + count] = 0, and zeros to the end of the last chunk."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target = _vector(context, builder, signature, args, 0)
        vector = target.type.pointee
        with cgutils.for_range(builder, _chunks(builder, args[2], vector.count)) as loop:
            zeros = vector([0.0] * vector.count)
            builder.store(zeros, _pointer(builder, target, loop.index, vector.count), align=4)
        return context.get_dummy_value()

    return types.void(to, types.intp, types.intp), generate


def _shuffle(builder: Any, a: Any, b: Any, places: list[int]) -> Any:
    return builder.shuffle_vector(a, b, ir.VectorType(ir.IntType(32), len(places))(places))


@intrinsic
def split_row(typingctx: Any, source: Any, j: Any, count: Any, to: Any, even: Any, odd: Any) -> Any:
    """Every other element of source[j : j + count] from to[even] on, the others from to[odd] on, as :func:`put_row`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        origin = _vector(context, builder, signature, args, 0)
        targets = [_vector(context, builder, signature, args, 3, index) for index in args[4:6]]
        size = origin.type.pointee.count
        with cgutils.for_range(builder, _chunks(builder, args[2], 2 * size)) as loop:
            at = builder.mul(loop.index, _index(2))
            next_one = builder.add(at, _index(1))
            left = builder.sub(args[2], builder.mul(at, _index(size)))
            here, beyond = _pointer(builder, origin, at, size), _pointer(builder, origin, next_one, size)
            _expect(builder, here, False)
            _expect(builder, beyond, False)
            a, b = _load(builder, here, left), _load(builder, beyond, builder.sub(left, _index(size)))
            for first, target in enumerate(targets):
                value = _shuffle(builder, a, b, list(range(first, 2 * size, 2)))
                builder.store(value, _pointer(builder, target, loop.index, size), align=4)
        return context.get_dummy_value()

    return types.void(source, types.intp, types.intp, to, types.intp, types.intp), generate


@intrinsic
def merge_row(typingctx: Any, source: Any, even: Any, odd: Any, to: Any, i: Any, count: Any) -> Any:
    """to[i : i + count] = in turn an element from source[even] on and one from source[odd] on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sources = [_vector(context, builder, signature, args, 0, index) for index in args[1:3]]
        target = _vector(context, builder, signature, args, 3)
        size = target.type.pointee.count
        with cgutils.for_range(builder, _chunks(builder, args[5], 2 * size)) as loop:
            a, b = (builder.load(_pointer(builder, source, loop.index, size), align=4) for source in sources)
            for half in range(2):
                places = [half * size // 2 + t // 2 + t % 2 * size for t in range(size)]
                at = builder.add(builder.mul(loop.index, _index(2)), _index(half))
                left = builder.sub(args[5], builder.mul(at, _index(size)))
                there = _pointer(builder, target, at, size)
                _expect(builder, there, True)
                _store(builder, _shuffle(builder, a, b, places), there, left)
        return context.get_dummy_value()

    return types.void(source, types.intp, types.intp, to, types.intp, types.intp), generate


def weigh(places: int) -> Any:
    """An intrinsic for windows of so many places."""

    @intrinsic
    def weigh_row(
        typingctx: Any, source: Any, j: Any, offsets: Any, weights: Any, first: Any, start: Any, to: Any, i: Any, n: Any
    ) -> Any:
        """to[i : i + n] = start + the sum over t of weights[first + t] * source[j + offsets[first + t] : … + n].

        ``offsets`` is int32.
        """

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            target = _vector(context, builder, signature, args, 6)
            size = target.type.pointee.count
            terms = []
            for t in range(places):
                at = builder.add(args[4], _index(t))
                weight = builder.load(_element(context, builder, signature, args, 3, at))
                offset = builder.sext(builder.load(_element(context, builder, signature, args, 2, at)), _index)
                origin = _vector(context, builder, signature, args, 0, builder.add(args[1], offset))
                terms.append((_spread(builder, weight, size), origin))
            with cgutils.for_range(builder, _chunks(builder, args[8], size)) as loop:
                total = _spread(builder, args[5], size)
                for weight, origin in terms:
                    value = builder.load(_pointer(builder, origin, loop.index, size), align=4)
                    total = builder.fadd(total, builder.fmul(value, weight, flags=("contract",)), flags=("contract",))
                left = builder.sub(args[8], builder.mul(loop.index, _index(size)))
                there = _pointer(builder, target, loop.index, size)
                _expect(builder, there, True)
                _store(builder, total, there, left)
            return context.get_dummy_value()

        index, number = types.intp, to.dtype
        return types.void(source, index, offsets, weights, index, number, to, index, index), generate

    return weigh_row


def correlate(places: int) -> Any:
    """An intrinsic for windows of so many places."""

    @intrinsic
    def correlate_rows(
        typingctx: Any, a: Any, i: Any, skip: Any, b: Any, j: Any, leap: Any, offsets: Any, sums: Any, rows: Any, n: Any
    ) -> Any:
        """sums[t] += the sum of a[i : i + n] * b[j + offsets[t] : … + n] over ``rows`` rows, ``skip`` apart in ``a``
        and ``leap`` in ``b``; rows of ``a`` are followed by zeros to the end of the last chunk."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            vector = _vector(context, builder, signature, args, 0).type.pointee
            size = vector.count
            partial = [cgutils.alloca_once_value(builder, vector([0.0] * size)) for _ in range(places)]
            moves = []
            for t in range(places):
                offset = builder.load(_element(context, builder, signature, args, 6, _index(t)))
                moves.append(builder.sext(offset, _index))
            with cgutils.for_range(builder, args[8]) as row:
                start = builder.add(args[1], builder.mul(row.index, args[2]))
                left = _vector(context, builder, signature, args, 0, start)
                start = builder.add(args[4], builder.mul(row.index, args[5]))
                rights = [_vector(context, builder, signature, args, 3, builder.add(start, move)) for move in moves]
                with cgutils.for_range(builder, _chunks(builder, args[9], size)) as loop:
                    value = builder.load(_pointer(builder, left, loop.index, size), align=4)
                    for right, part in zip(rights, partial, strict=True):
                        other = builder.load(_pointer(builder, right, loop.index, size), align=4)
                        product = builder.fmul(value, other, flags=("contract",))
                        builder.store(builder.fadd(builder.load(part), product, flags=("contract",)), part)
            for t, part in enumerate(partial):
                total, half = builder.load(part), size
                while half > 1:  # fold the upper half onto the lower one
                    half //= 2
                    low = _shuffle(builder, total, total, list(range(half)))
                    total = builder.fadd(low, _shuffle(builder, total, total, list(range(half, 2 * half))))
                target = _element(context, builder, signature, args, 7, _index(t))
                value = builder.extract_element(total, ir.IntType(32)(0))
                builder.store(builder.fadd(builder.load(target), value), target)
            return context.get_dummy_value()

        index = types.intp
        return types.void(a, index, index, b, index, index, offsets, sums, index, index), generate

    return correlate_rows
