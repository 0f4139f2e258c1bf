"""Sixteen windows of a row of a map at once (`cafpy.ops.kernel.lanes`): the largest value of each, their sums, and rows
of which nothing outside is read or written."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

from cafpy.ops.kernel.lanes import LANES, first, lanes, pointer, put_masked, spread

intrinsic: Any = extending.intrinsic  # typed as if it left its functions' first argument to the caller
_int = ir.IntType(32)
_integers = ir.VectorType(_int, LANES)
_floats = ir.VectorType(ir.FloatType(), LANES)
_flags = ir.VectorType(ir.IntType(1), LANES)


def _columns(builder: Any, start: Any, stride: Any) -> Any:
    """start + lane · stride."""
    steps = builder.mul(_integers(list(range(LANES))), spread(builder, stride))
    return builder.add(spread(builder, start), steps)


def _load_masked(builder: Any, place: Any, mask: Any, outside: Any) -> Any:
    address = builder.bitcast(place, _floats.as_pointer())
    kind = ir.FunctionType(_floats, [address.type, _int, _flags, _floats])
    load = cgutils.get_or_insert_function(builder.module, kind, "llvm.masked.load.v16f32.p0")
    return builder.call(load, [address, _int(4), mask, outside])


@intrinsic
def load_row(typingctx: Any, array: Any, row: Any, column: Any, width: Any) -> Any:
    """Lanes of array[row + column + i], 0 where column + i is below 0 or not below ``width``; these are not read."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array, row, column, width = args
        place = pointer(context, builder, signature.args[0], array, builder.add(row, column))
        return _load_masked(builder, place, _within(builder, column, width), _floats([0.0] * LANES))

    index = types.intp
    return lanes(array, index, index, index), generate


@intrinsic
def store_row(typingctx: Any, value: Any, array: Any, row: Any, column: Any, width: Any) -> Any:
    """array[row + column + i] = lane i of ``value``, but where column + i is below 0 or not below ``width``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value, array, row, column, width = args
        place = pointer(context, builder, signature.args[1], array, builder.add(row, column))
        put_masked(builder, value, place, _within(builder, column, width))
        return context.get_dummy_value()

    index = types.intp
    return types.void(lanes, array, index, index, index), generate


def _within(builder: Any, column: Any, width: Any) -> Any:
    """A mask of the lanes for which column + lane is at least 0 and below ``width``."""
    columns = _columns(builder, builder.trunc(column, _int), _int(1))
    return builder.icmp_unsigned("<", columns, spread(builder, builder.trunc(width, _int)))


def largest(kernel_h: int, kernel_w: int, stride_w: int) -> Any:
    """An intrinsic for windows of this size, and stride 1 or 2 along a row."""

    @intrinsic
    def largest_of_windows(
        typingctx: Any, x: Any, m: Any, top: Any, height: Any, left: Any, width: Any, y: Any, mask: Any, at: Any,
        count: Any,
    ) -> Any:  # fmt: skip
        """y[at + i] = the largest of window i, for i < count and at most 16, and mask[at + i] (int32) its place, as
        h · width + w; of equal ones the first. Whether there may be a nan: then neither is to be used.

        Window i begins in row ``top`` and column left + i · stride of map ``m``, which it may overhang.
        """

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            x, m, top, height, left, width, y, mask, at, count = args
            least, zero = _floats([float("-inf")] * LANES), top.type(0)
            loads, taps = _taps(builder, left, width, kernel_w, stride_w)
            best, total = least, _floats([0.0] * LANES)
            column = builder.trunc(left, _int)
            columns = _columns(builder, column, _int(stride_w))
            nothing = _integers([0] * LANES)
            # from the window's left: where all is -inf, the first place that lies in the map
            place = builder.select(builder.icmp_signed("<", columns, nothing), builder.neg(columns), nothing)
            for a in range(kernel_h):
                # what overhangs is replaced by a row that is there already: it changes no largest value
                line = builder.add(top, top.type(a))
                line = builder.select(builder.icmp_signed("<", line, zero), zero, line)
                last = builder.sub(height, height.type(1))
                line = builder.select(builder.icmp_signed("<", line, last), line, last)
                down = builder.mul(line, width)
                start = builder.add(builder.add(builder.mul(m, builder.mul(height, width)), down), left)
                start = pointer(context, builder, signature.args[0], x, start)
                down = builder.trunc(down, _int)
                if a == 0:
                    place = builder.add(place, spread(builder, down))
                values = [_load_masked(builder, builder.gep(start, [_int(o)]), inside, least) for o, inside in loads]
                for b, (one, other, order) in enumerate(taps):
                    value = values[one]
                    if order:
                        value = builder.shuffle_vector(value, values[other], _integers(order))
                    better = builder.fcmp_ordered(">", value, best)
                    best = builder.select(better, value, best)
                    place = builder.select(better, spread(builder, builder.add(down, _int(b))), place)
                    total = builder.fadd(total, value)  # a nan, or infinities of both signs, make it one
            inside = first(builder, count)
            put_masked(builder, best, pointer(context, builder, signature.args[6], y, at), inside)
            there = pointer(context, builder, signature.args[7], mask, at)
            _store_integers(builder, builder.add(place, columns), there, inside)
            nans = builder.bitcast(builder.fcmp_unordered("uno", total, total), ir.IntType(LANES))
            return builder.icmp_unsigned("!=", nans, nans.type(0))

        index = types.intp
        return types.boolean(x, index, index, index, index, index, y, mask, index, index), generate

    return largest_of_windows


def _taps(builder: Any, left: Any, width: Any, kernel_w: int, stride_w: int) -> Any:
    """What to load of a line, each as (elements from ``left`` on, mask), and for each column of a kernel which two of
    these it is made of, in which order."""
    loads, taps = [], []
    for b in range(kernel_w):
        if b % stride_w == 0:
            for part in range(stride_w):
                offset = b + part * LANES
                loads.append((offset, _within(builder, builder.add(left, left.type(offset)), width)))
        one = len(loads) - stride_w
        order = [b % stride_w + i * stride_w for i in range(LANES)] if stride_w > 1 else []
        taps.append((one, one + stride_w - 1, order))
    return loads, taps


def _store_integers(builder: Any, value: Any, place: Any, mask: Any) -> None:
    address = builder.bitcast(place, _integers.as_pointer())
    kind = ir.FunctionType(ir.VoidType(), [_integers, address.type, _int, _flags])
    store = cgutils.get_or_insert_function(builder.module, kind, "llvm.masked.store.v16i32.p0")
    builder.call(store, [value, address, _int(4), mask])


def _interleaved(half: int) -> Any:
    @intrinsic
    def of_two(typingctx: Any, even: Any, odd: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            order = [half * LANES // 2 + t // 2 + t % 2 * LANES for t in range(LANES)]
            return builder.shuffle_vector(*args, _integers(order))

        return lanes(lanes, lanes), generate

    return of_two


# in turn a lane of one and a lane of the other, from the lower and the upper halves of both
interleaved_low, interleaved_high = _interleaved(0), _interleaved(1)


def summed(kernel_h: int, kernel_w: int, stride_w: int) -> Any:
    """An intrinsic for windows of this size, and stride 1 or 2 along a row."""

    @intrinsic
    def sums_of_windows(typingctx: Any, x: Any, m: Any, top: Any, height: Any, left: Any, width: Any) -> Any:
        """The sums of sixteen windows. Window i begins in row ``top`` and column left + i · stride of map ``m``; what
        overhangs counts as 0."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            x, m, top, height, left, width = args
            zeros, zero = _floats([0.0] * LANES), top.type(0)
            loads, taps = _taps(builder, left, width, kernel_w, stride_w)
            sums = [zeros] * len(loads)
            for a in range(kernel_h):
                line = builder.add(top, top.type(a))
                there = builder.icmp_unsigned("<", line, height)
                line = builder.add(builder.mul(m, height), builder.select(there, line, zero))
                start = builder.add(builder.mul(line, width), left)
                start = pointer(context, builder, signature.args[0], x, start)
                for i, (offset, inside) in enumerate(loads):
                    inside = builder.and_(inside, spread(builder, there))
                    value = _load_masked(builder, builder.gep(start, [_int(offset)]), inside, zeros)
                    sums[i] = builder.fadd(sums[i], value)
            total = zeros
            for one, other, order in taps:
                value = sums[one]
                if order:
                    value = builder.shuffle_vector(value, sums[other], _integers(order))
                total = builder.fadd(total, value)
            return total

        index = types.intp
        return lanes(x, index, index, index, index, index), generate

    return sums_of_windows


@intrinsic
def sum_lanes(typingctx: Any, value: Any) -> Any:
    """The sum of the sixteen."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        total, size = args[0], LANES
        while size > 1:  # fold the upper half onto the lower one
            size //= 2
            low, high = (
                builder.shuffle_vector(total, total, ir.VectorType(_int, size)(list(range(start, start + size))))
                for start in (0, size)
            )
            total = builder.fadd(low, high)
        return builder.extract_element(total, _int(0))

    return types.float32(lanes), generate
