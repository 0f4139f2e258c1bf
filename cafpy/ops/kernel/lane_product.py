"""A block of a matrix product in registers, inside Numba kernels: ROWS rows of 16 or 32 columns.

BLAS rearranges its operands before it multiplies, which costs as much as the product itself where that has some tens of
rows. Here nothing is rearranged: whoever writes the operands writes them as they are wanted, the right one with its
columns in panels of WIDE.

    wide_block(1, k, a, 0, k, 1, 0, b, 0, WIDE, 0, c, 0, n, 8, 32, False)     # c[:8, :32] = a[:8] b, b being one panel
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import llvmlite.binding as llvm
from numba import extending, types
from numba.core import cgutils

from cafpy.ops.kernel.lanes import (
    LANES,
    fetch_line,
    first,
    masked_at,
    pointer,
    put_masked,
    put_vector,
    spread,
    vector_at,
    zeros,
)

intrinsic: Any = extending.intrinsic  # typed as if it left its functions' first argument to the caller

# As many sums as there are registers for, beside the operands. 32 registers of 16 lanes have AVX-512's machines;
# elsewhere 6 rows of 16 columns are 12 of 16 registers (AVX2), or 24 of 32 (NEON).
_MANY = llvm.get_host_cpu_features().get("avx512f", False)
ROWS = 8 if _MANY else 6
WIDE = 2 * LANES if _MANY else LANES


def new_sums(builder: Any, rows: int, vectors: int) -> list[list[Any]]:
    """Variables for ``rows`` rows of so many lanes, 0 each; a compiler finds a register for each."""
    sums = [[cgutils.alloca_once_value(builder, zeros()) for _ in range(vectors)] for _ in range(rows)]
    for of_row in sums:
        for total in of_row:
            builder.store(zeros(), total)
    return sums


def add_products(
    builder: Any, count: Any, left: Any, steps: list[Any], a_step: Any, right: Any, b_step: Any, sums: list[list[Any]],
    also: Callable[[Any], None] = lambda i: None,
) -> None:  # fmt: skip
    """Add the products of ``count`` columns of the left operand, whose rows are ``steps`` numbers from the first one,
    and rows of the right one to ``sums``; ``also`` is what is done for each i < count beside."""
    with cgutils.for_range(builder, count) as loop:
        also(loop.index)
        here = builder.gep(left, [builder.mul(loop.index, a_step)])
        there = builder.gep(right, [builder.mul(loop.index, b_step)])
        values = [vector_at(builder, builder.gep(there, [count.type(LANES * v)])) for v in range(len(sums[0]))]
        for step, of_row in zip(steps, sums, strict=True):
            factor = spread(builder, builder.load(builder.gep(here, [step]), align=4))
            for value, total in zip(values, of_row, strict=True):
                product = builder.fmul(factor, value, flags=("contract",))
                builder.store(builder.fadd(builder.load(total), product, flags=("contract",)), total)


def _fetching(context: Any, builder: Any, kinds: Any, ahead: Any) -> Callable[[Any], Callable[[Any], None]]:
    """What makes of a number of steps what fetches the line of step i beyond them, see the blocks."""
    array, at, shift, bits, low, high = (builder.extract_value(ahead, i) for i in range(6))
    base = pointer(context, builder, kinds[0], array, at)

    def fetch(before: Any, i: Any) -> None:
        q = builder.lshr(builder.add(before, i), shift)
        of_low = builder.sub(q, builder.shl(builder.lshr(q, bits), bits))
        place = builder.add(builder.mul(of_low, low), builder.mul(builder.lshr(q, bits), high))
        fetch_line(builder, builder.gep(base, [place]), level=2)

    return lambda before: partial(fetch, before)


def _block(vectors: int) -> Any:
    @intrinsic
    def block(
        typingctx: Any, times: Any, count: Any, a: Any, a_at: Any, a_row: Any, a_step: Any, a_jump: Any,
        b: Any, b_at: Any, b_step: Any, b_jump: Any, c: Any, c_at: Any, c_row: Any, rows: Any, columns: Any, add: Any,
        ahead: Any = None,
    ) -> Any:  # fmt: skip
        """c[c_at + r c_row + j] = Σ a[a_at + r a_row + i a_step + t a_jump] b[b_at + i b_step + t b_jump + j]

        for r < rows ≤ ROWS and j < columns, the sum over t < times and i < count; with ``add`` it is added. All columns
        of b's panel are read, 16 or WIDE; nothing of a and c is touched that does not belong to them. ``a_row`` may be
        an array of int32: row r then begins at a_row[r] instead of at r a_row.

        With ``ahead``, (array, at, shift, bits, low, high), what c will need is fetched into the cache first, and for
        each t and i the line of array[at + q % 2ᵇ low + q // 2ᵇ high], q = (t count + i) // 2ˢ, b and s being bits and
        shift. It should exist: a processor that looks for memory in vain, again and again, loses time.
        """

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kinds = signature.args
            times, count, a, a_at, a_row, a_step, a_jump, b, b_at, b_step, b_jump, c, c_at, c_row = args[:14]
            rows, columns, add = args[14:17]
            left = pointer(context, builder, kinds[2], a, a_at)
            right = pointer(context, builder, kinds[7], b, b_at)
            to = pointer(context, builder, kinds[11], c, c_at)
            inside = [builder.icmp_signed("<", rows.type(r), rows) for r in range(ROWS)]
            # of rows that do not exist, the first is computed once more
            row_numbers = [builder.select(exists, rows.type(r), rows.type(0)) for r, exists in enumerate(inside)]

            def by_row(base: Any, step: Any) -> list[Any]:
                return [builder.gep(base, [builder.mul(step, number)]) for number in row_numbers]

            def by_column(base: Any) -> list[Any]:
                return [builder.gep(base, [count.type(LANES * v)]) for v in range(vectors)]

            fetch = None
            if kinds[17] is not types.none:
                for row in by_row(to, c_row):
                    for place in by_column(row):
                        fetch_line(builder, place, level=2)
                fetch = _fetching(context, builder, kinds[17], args[17])
            sums = new_sums(builder, ROWS, vectors)
            if isinstance(kinds[4], types.Array):
                offsets = context.make_array(kinds[4])(context, builder, a_row).data
                steps = [builder.sext(builder.load(builder.gep(offsets, [n])), count.type) for n in row_numbers]
            else:
                steps = [builder.mul(a_row, number) for number in row_numbers]
            with cgutils.for_range(builder, times) as outer:
                x = builder.gep(left, [builder.mul(outer.index, a_jump)])
                y = builder.gep(right, [builder.mul(outer.index, b_jump)])
                also = [] if fetch is None else [fetch(builder.mul(outer.index, count))]
                add_products(builder, count, x, steps, a_step, y, b_step, sums, *also)
            whole = builder.and_(inside[-1], builder.icmp_signed(">=", columns, columns.type(LANES * vectors)))
            with builder.if_else(whole) as (all_of_it, part):
                with all_of_it:
                    with builder.if_then(add):
                        for row, of_row in zip(by_row(to, c_row), sums, strict=True):
                            for place, total in zip(by_column(row), of_row, strict=True):
                                builder.store(builder.fadd(builder.load(total), vector_at(builder, place)), total)
                    for row, of_row in zip(by_row(to, c_row), sums, strict=True):
                        for place, total in zip(by_column(row), of_row, strict=True):
                            put_vector(builder, builder.load(total), place)
                with part:
                    masks = [first(builder, builder.sub(columns, columns.type(LANES * v))) for v in range(vectors)]
                    for exists, row, of_row in zip(inside, by_row(to, c_row), sums, strict=True):
                        with builder.if_then(exists):
                            for mask, place, total in zip(masks, by_column(row), of_row, strict=True):
                                with builder.if_then(add):
                                    before = masked_at(builder, place, mask)
                                    builder.store(builder.fadd(builder.load(total), before), total)
                                put_masked(builder, builder.load(total), place, mask)
            return context.get_dummy_value()

        index = types.intp
        row = a_row if isinstance(a_row, types.Array) else index
        left, right, result = (a, index, row, index, index), (b, index, index, index), (c, index, index)
        return types.void(
            index, index, *left, *right, *result, index, index, types.boolean, ahead or types.none
        ), generate

    return block


narrow_block, wide_block = _block(1), _block(WIDE // LANES)
