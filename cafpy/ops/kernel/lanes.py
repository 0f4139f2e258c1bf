"""Sixteen float32 at once inside Numba kernels: a value `Lanes`, one AVX-512 register or several smaller ones.

    v = load(a, i) - 4.0 * load(a, j)       # Lanes of a[i : i + 16] and a[j : j + 16]
    store(v, b, k)                          # b[k : k + 16] = v
    transpose_in(a, i, 100, 5, 12, b, k, 16)    # b is (16, 16): the transpose of 5 rows of 12 numbers, and zeros

Code of such values is compiled as it stands: nothing depends on what a compiler makes of a loop over single numbers,
and little time goes into finding out. Arrays are flat and float32; no bounds are checked. Indices count numbers.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

intrinsic: Any = extending.intrinsic  # typed as if it left its functions' first argument to the caller
LANES = 16
_vector = ir.VectorType(ir.FloatType(), LANES)
_mask = ir.VectorType(ir.IntType(1), LANES)
_index = ir.IntType(32)
_indices = ir.VectorType(_index, LANES)


class LanesType(types.Type):
    """Numba's type of a `Lanes` value."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


lanes = LanesType()


@extending.register_model(LanesType)
class _LanesModel(extending.models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any):
        super().__init__(dmm, fe_type, _vector)


# --- for other modules that write LLVM code of lanes


def pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Where array[index] is."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [index])


def vector_at(builder: Any, place: Any) -> Any:
    """The lanes from this place on."""
    return builder.load(builder.bitcast(place, _vector.as_pointer()), align=4)


def put_vector(builder: Any, value: Any, place: Any) -> None:
    """Write lanes from this place on."""
    builder.store(value, builder.bitcast(place, _vector.as_pointer()), align=4)


def spread(builder: Any, number: Any) -> Any:
    """Lanes that all have this number."""
    one = builder.insert_element(ir.VectorType(number.type, LANES)(ir.Undefined), number, _index(0))
    return builder.shuffle_vector(one, one.type(ir.Undefined), _indices([0] * LANES))


def zeros() -> Any:
    """Lanes of zero."""
    return _vector([0.0] * LANES)


def first(builder: Any, count: Any) -> Any:
    """A mask of the first ``count`` lanes; all of them where there are fewer, none where it is not positive."""
    count = builder.trunc(count, _index)
    return builder.icmp_signed("<", _indices(list(range(LANES))), spread(builder, count))


def masked_at(builder: Any, place: Any, mask: Any) -> Any:
    """The lanes of the mask from this place on, the others 0; what is not in the mask is not touched."""
    address = builder.bitcast(place, _vector.as_pointer())
    kind = ir.FunctionType(_vector, [address.type, _index, _mask, _vector])
    load = cgutils.get_or_insert_function(builder.module, kind, "llvm.masked.load.v16f32.p0")
    return builder.call(load, [address, _index(4), mask, zeros()])


def put_masked(builder: Any, value: Any, place: Any, mask: Any) -> None:
    """Write the lanes of the mask."""
    address = builder.bitcast(place, _vector.as_pointer())
    kind = ir.FunctionType(ir.VoidType(), [_vector, address.type, _index, _mask])
    store = cgutils.get_or_insert_function(builder.module, kind, "llvm.masked.store.v16f32.p0")
    builder.call(store, [value, address, _index(4), mask])


def fetch_line(builder: Any, place: Any, writing: bool = False, level: int = 1) -> None:
    """Have a line of memory in the cache of this level when it is to be read or written; any address will do."""
    address = builder.bitcast(place, ir.IntType(8).as_pointer())
    kind = ir.FunctionType(ir.VoidType(), [address.type, _index, _index, _index])
    prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(prefetch, [address, _index(int(writing)), _index(4 - level), _index(1)])  # of data


# --- loading and storing


@intrinsic
def load(typingctx: Any, array: Any, index: Any) -> Any:
    """Lanes of array[index : index + 16]."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return vector_at(builder, pointer(context, builder, signature.args[0], *args))

    return lanes(array, types.intp), generate


@intrinsic
def store(typingctx: Any, value: Any, array: Any, index: Any) -> Any:
    """array[index : index + 16] = value."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        put_vector(builder, args[0], pointer(context, builder, signature.args[1], *args[1:]))
        return context.get_dummy_value()

    return types.void(lanes, array, types.intp), generate


@intrinsic
def load_first(typingctx: Any, array: Any, index: Any, count: Any) -> Any:
    """Lanes of array[index : index + count] and zeros; nothing beyond is read."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = pointer(context, builder, signature.args[0], *args[:2])
        return masked_at(builder, place, first(builder, args[2]))

    return lanes(array, types.intp, types.intp), generate


@intrinsic
def store_first(typingctx: Any, value: Any, array: Any, index: Any, count: Any) -> Any:
    """array[index : index + count] = the first lanes of value."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = pointer(context, builder, signature.args[1], *args[1:3])
        put_masked(builder, args[0], place, first(builder, args[3]))
        return context.get_dummy_value()

    return types.void(lanes, array, types.intp, types.intp), generate


# --- arithmetic


@intrinsic
def all_lanes(typingctx: Any, number: Any) -> Any:
    """Lanes that are all ``number``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return spread(builder, args[0])

    return lanes(types.float32), generate


@intrinsic
def leaky(typingctx: Any, value: Any, slope: Any) -> Any:
    """value where it is positive, elsewhere slope · value; slope is a number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        positive = builder.fcmp_ordered(">", args[0], zeros())
        return builder.select(positive, args[0], builder.fmul(args[0], spread(builder, args[1])))

    return lanes(lanes, types.float32), generate


def _binary(instruction: str) -> Any:
    @intrinsic
    def of_two(typingctx: Any, a: Any, b: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            # a product may be added without being rounded first
            return getattr(builder, instruction)(*args, flags=("contract",))

        return lanes(lanes, lanes), generate

    return of_two


_add, _subtract, _multiply = _binary("fadd"), _binary("fsub"), _binary("fmul")


@extending.overload(operator.add, strict=False)  # not strict: Numba would compare annotations too
def _(a: Any, b: Any) -> Any:
    if a is lanes and b is lanes:
        return lambda a, b: _add(a, b)
    return None


@extending.overload(operator.sub, strict=False)  # not strict: Numba would compare annotations too
def _(a: Any, b: Any) -> Any:
    if a is lanes and b is lanes:
        return lambda a, b: _subtract(a, b)
    return None


@extending.overload(operator.mul, strict=False)  # not strict: Numba would compare annotations too
def _(a: Any, b: Any) -> Any:
    if a is lanes and b is lanes:
        return lambda a, b: _multiply(a, b)
    if isinstance(a, types.Float) and b is lanes:
        return lambda a, b: _multiply(all_lanes(a), b)
    return None


# --- transposition


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """The transpose of sixteen rows: in stage s, rows 2ˢ apart exchange stretches of 2ˢ columns."""
    for stage in range(4):
        step = 1 << stage
        low = [i & ~step | (LANES if i & step else 0) for i in range(LANES)]
        high = [i + LANES if i & step else i | step for i in range(LANES)]
        new = list(rows)
        for r in range(LANES):
            if not r & step:
                a, b = rows[r], rows[r + step]
                new[r] = builder.shuffle_vector(a, b, _indices(low))
                new[r + step] = builder.shuffle_vector(a, b, _indices(high))
        rows = new
    return rows


def _places(builder: Any, base: Any, step: Any) -> list[Any]:
    return [builder.gep(base, [builder.mul(step, step.type(r))]) for r in range(LANES)]


@intrinsic
def transpose_in(
    typingctx: Any, source: Any, start: Any, row: Any, rows: Any, columns: Any, to: Any, at: Any, to_row: Any
) -> Any:
    """to[at + j · to_row + i] = source[start + i · row + j] for i < rows and j < columns, elsewhere 0, for all i and j
    below 16; nothing else is read."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, start, row, rows, columns, to, at, to_row = args
        places = _places(builder, pointer(context, builder, signature.args[0], source, start), row)
        targets = _places(builder, pointer(context, builder, signature.args[5], to, at), to_row)
        full = _full(builder, rows, columns)
        with builder.if_else(full) as (whole, part):
            with whole:
                for value, target in zip(
                    _transposed(builder, [vector_at(builder, place) for place in places]), targets, strict=True
                ):
                    put_vector(builder, value, target)
            with part:
                values = [
                    masked_at(builder, place, first(builder, _if_below(builder, r, rows, columns)))
                    for r, place in enumerate(places)
                ]
                for value, target in zip(_transposed(builder, values), targets, strict=True):
                    put_vector(builder, value, target)
        return context.get_dummy_value()

    index = types.intp
    return types.void(source, index, index, index, index, to, index, index), generate


@intrinsic
def transpose_out(
    typingctx: Any, source: Any, start: Any, row: Any, to: Any, at: Any, to_row: Any, rows: Any, columns: Any
) -> Any:
    """to[at + i · to_row + j] = source[start + j · row + i] for i < rows and j < columns, both at most 16; all 16 × 16
    are read, nothing else is written."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, start, row, to, at, to_row, rows, columns = args
        places = _places(builder, pointer(context, builder, signature.args[0], source, start), row)
        targets = _places(builder, pointer(context, builder, signature.args[3], to, at), to_row)
        values = _transposed(builder, [vector_at(builder, place) for place in places])
        full = _full(builder, rows, columns)
        with builder.if_else(full) as (whole, part):
            with whole:
                for value, target in zip(values, targets, strict=True):
                    put_vector(builder, value, target)
            with part:
                for r, (value, target) in enumerate(zip(values, targets, strict=True)):
                    put_masked(builder, value, target, first(builder, _if_below(builder, r, rows, columns)))
        return context.get_dummy_value()

    index = types.intp
    return types.void(source, index, index, to, index, index, index, index), generate


def _full(builder: Any, rows: Any, columns: Any) -> Any:
    return builder.and_(
        builder.icmp_signed(">=", rows, rows.type(LANES)), builder.icmp_signed(">=", columns, columns.type(LANES))
    )


def _if_below(builder: Any, r: int, rows: Any, columns: Any) -> Any:
    """``columns`` if r is below ``rows``, else 0."""
    return builder.select(builder.icmp_signed("<", rows.type(r), rows), columns, columns.type(0))
