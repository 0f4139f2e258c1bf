"""One channel of all images of a batch, sixteen positions at a time: its sums, and what is made of them.

Loops are written as they are to be compiled, the last positions of a map masked: the compiler's own leave up to 31
positions of a map of 7 × 7 to be done one by one. All of them fetch ahead what they go over. Arrays are flat, of
float32 or float64; channel c of image n begins at ``start`` + n · ``stride``. An output may be an input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from cafpy.ops.kernel.chunks import _element, _first, _spread, intrinsic
from cafpy.ops.kernel.lanes import fetch_line
from cafpy.ops.kernel.row_chunks import _load, _store

LANES = 16
AHEAD = 1 << 12  # bytes
_index = ir.IntType(64)
_double = ir.VectorType(ir.DoubleType(), LANES)


def _over(
    context: Any, builder: Any, signature: Any, args: Any, rows: tuple[int, ...], body: Callable[..., None]
) -> None:
    """Call ``body`` with the number of positions of a chunk, None for a full one, and, for each array args[row], where
    its chunk lies. The arguments behind the first array are start, items, stride, positions.
    """
    start, items, stride, positions = args[1:5]
    with cgutils.for_range(builder, items) as item:
        at = builder.add(start, builder.mul(item.index, stride))
        bases = [_element(context, builder, signature, args, row, at) for row in rows]
        chunks = builder.udiv(positions, _index(LANES))
        with cgutils.for_range(builder, chunks) as loop:
            body(None, *_chunks_at(builder, bases, builder.mul(loop.index, _index(LANES))))
        done = builder.mul(chunks, _index(LANES))
        left = builder.sub(positions, done)
        with builder.if_then(builder.icmp_signed(">", left, _index(0))):
            body(left, *_chunks_at(builder, bases, done))


def _chunks_at(builder: Any, bases: list[Any], offset: Any) -> list[Any]:
    kinds = [ir.VectorType(base.type.pointee, LANES).as_pointer() for base in bases]
    return [builder.bitcast(builder.gep(base, [offset]), kind) for base, kind in zip(bases, kinds, strict=True)]


def _read(builder: Any, place: Any, left: Any) -> Any:
    """The chunk there; of one that is not full its first ``left``, and zeros."""
    return builder.load(place, align=4) if left is None else _load(builder, place, left)


def _write(builder: Any, value: Any, place: Any, left: Any) -> None:
    if left is None:
        builder.store(value, place, align=4)
    else:
        _store(builder, value, place, left)


def _fetch(builder: Any, place: Any, write: bool = False) -> None:
    byte = builder.gep(builder.bitcast(place, ir.IntType(8).as_pointer()), [_index(AHEAD)])
    fetch_line(builder, byte, write)


def _add(builder: Any, total: Any, value: Any, left: Any) -> None:
    """Add the first ``left`` of a chunk to sums in double precision."""
    wide = value if value.type == _double else builder.fpext(value, _double)
    if left is not None:
        wide = builder.select(_first(builder, left, LANES), wide, _double([0.0] * LANES))
    builder.store(builder.fadd(builder.load(total), wide), total)


def _totals(context: Any, builder: Any, signature: Any, sums: list[Any]) -> Any:
    numbers = []
    for place in sums:
        total, size = builder.load(place), LANES
        while size > 1:  # fold the upper half onto the lower one
            size //= 2
            low, high = (
                builder.shuffle_vector(
                    total, total, ir.VectorType(ir.IntType(32), size)(list(range(first, first + size)))
                )
                for first in (0, size)
            )
            total = builder.fadd(low, high)
        numbers.append(builder.extract_element(total, ir.IntType(32)(0)))
    return context.make_tuple(builder, signature.return_type, numbers)


def _normal(builder: Any, value: Any, minus: Any, by: Any, plus: Any) -> Any:
    return builder.fadd(builder.fmul(builder.fsub(value, minus), by), plus)


def _act(builder: Any, decides: Any, value: Any, slope: Any) -> Any:
    """value where ``decides`` is above 0, else slope · value."""
    positive = builder.fcmp_ordered(">", decides, decides.type([0.0] * LANES))
    return builder.select(positive, value, builder.fmul(slope, value))


@intrinsic
def sum_and_squares(typingctx: Any, x: Any, start: Any, items: Any, stride: Any, positions: Any, middle: Any) -> Any:
    """Σ (x - middle) and Σ (x - middle)² in double precision; ``middle`` is float64."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sums = [cgutils.alloca_once_value(builder, _double([0.0] * LANES)) for _ in range(2)]
        middle = _spread(builder, args[5], LANES)

        def body(left: Any, place: Any) -> None:
            _fetch(builder, place)
            value = _read(builder, place, left)
            value = value if value.type == _double else builder.fpext(value, _double)
            value = builder.fsub(value, middle)
            _add(builder, sums[0], value, left)
            _add(builder, sums[1], builder.fmul(value, value), left)

        _over(context, builder, signature, args, (0,), body)
        return _totals(context, builder, signature, sums)

    index = types.intp
    return types.UniTuple(types.float64, 2)(x, index, index, index, index, types.float64), generate


@intrinsic
def normalise_rows(
    typingctx: Any, x: Any, start: Any, items: Any, stride: Any, positions: Any, minus: Any, by: Any, plus: Any,
    factor: Any, shift: Any, slope: Any, kept: Any, keep: Any, y: Any,
) -> Any:  # fmt: skip
    """y = act(v · factor + shift) with v = (x - minus) · by + plus; kept = v if ``keep``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        minus, by, plus, factor, shift, slope = (_spread(builder, number, LANES) for number in args[5:11])

        def body(left: Any, source: Any, copy: Any, target: Any) -> None:
            _fetch(builder, source)
            value = _normal(builder, _read(builder, source, left), minus, by, plus)
            with builder.if_then(args[12]):
                _fetch(builder, copy, True)
                _write(builder, value, copy, left)
            value = builder.fadd(builder.fmul(value, factor), shift)
            _fetch(builder, target, True)
            _write(builder, _act(builder, value, value, slope), target, left)

        _over(context, builder, signature, args, (0, 11, 13), body)
        return context.get_dummy_value()

    index, number = types.intp, x.dtype
    return types.void(x, index, index, index, index, *(number,) * 6, kept, types.boolean, y), generate


def _gradient(builder: Any, numbers: list[Any], source: Any, above: Any, left: Any) -> tuple[Any, Any]:
    """v, and the gradient that the ReLU lets through."""
    minus, by, plus, factor, shift, slope = numbers[:6]
    v = _normal(builder, _read(builder, source, left), minus, by, plus)
    decides = builder.fadd(builder.fmul(v, factor), shift)
    return v, _act(builder, decides, _read(builder, above, left), slope)


@intrinsic
def gradient_sums(
    typingctx: Any, source: Any, start: Any, items: Any, stride: Any, positions: Any, minus: Any, by: Any, plus: Any,
    factor: Any, shift: Any, slope: Any, dy: Any,
) -> Any:  # fmt: skip
    """Σ g and Σ g · v in double precision, with v = (source - minus) · by + plus and g = dy where v · factor + shift >
    0, else slope · dy."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sums = [cgutils.alloca_once_value(builder, _double([0.0] * LANES)) for _ in range(2)]
        numbers = [_spread(builder, number, LANES) for number in args[5:11]]

        def body(left: Any, source: Any, above: Any) -> None:
            _fetch(builder, source)
            _fetch(builder, above)
            v, g = _gradient(builder, numbers, source, above, left)
            _add(builder, sums[0], g, left)
            _add(builder, sums[1], builder.fmul(g, v), left)

        _over(context, builder, signature, args, (0, 11), body)
        return _totals(context, builder, signature, sums)

    index, number = types.intp, source.dtype
    kinds = (source, index, index, index, index, *(number,) * 6, dy)
    return types.UniTuple(types.float64, 2)(*kinds), generate


@intrinsic
def gradient_rows(
    typingctx: Any, source: Any, start: Any, items: Any, stride: Any, positions: Any, minus: Any, by: Any, plus: Any,
    factor: Any, shift: Any, slope: Any, outer: Any, inner: Any, mean_g: Any, mean_g_v: Any, dy: Any, apart: Any,
    dx: Any,
) -> Any:  # fmt: skip
    """dx = outer · (g - mean_g - v · mean_g_v), with v and g of :func:`gradient_sums`; dy = inner · g if ``apart``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        numbers = [_spread(builder, number, LANES) for number in args[5:15]]
        outer, inner, mean_g, mean_g_v = numbers[6:]

        def body(left: Any, source: Any, above: Any, target: Any) -> None:
            v, g = _gradient(builder, numbers, source, above, left)
            with builder.if_then(args[16]):
                _fetch(builder, target, True)
                _write(builder, builder.fmul(inner, g), above, left)
            value = builder.fsub(builder.fsub(g, mean_g), builder.fmul(v, mean_g_v))
            _write(builder, builder.fmul(outer, value), target, left)

        _over(context, builder, signature, args, (0, 15, 17), body)
        return context.get_dummy_value()

    index, number = types.intp, source.dtype
    kinds = (source, index, index, index, index, *(number,) * 10, dy, types.boolean, dx)
    return types.void(*kinds), generate
