"""A block of a matrix product in registers with what follows it: a bias, factor and shift for each row, a ReLU.

As `cafpy.ops.kernel.lane_product`, whose block only multiplies.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

from cafpy.ops.kernel.lane_product import ROWS, WIDE, add_products, new_sums
from cafpy.ops.kernel.lanes import LANES, fetch_line, first, masked_at, pointer, put_masked, put_vector, spread, zeros

intrinsic: Any = extending.intrinsic  # typed as if it left its functions' first argument to the caller
AHEAD = 32  # steps that numbers far apart in memory, which a processor does not foresee, are best fetched before


@intrinsic
def address(typingctx: Any, array: Any, index: Any) -> Any:
    """Where array[index] is, for whom Numba's counting of references to arrays takes too long."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(pointer(context, builder, signature.args[0], *args), ir.IntType(64))

    return types.int64(array, types.intp), generate


def _block(height: int) -> Any:
    @intrinsic
    def block(
        typingctx: Any, times: Any, count: Any, a: Any, a_row: Any, a_step: Any, a_jump: Any, b: Any, b_step: Any,
        c: Any, c_row: Any, rows: Any, columns: Any, add: Any, table: Any, k: Any, outputs: Any, finish: Any,
        ahead: Any, ahead_step: Any,
    ) -> Any:  # fmt: skip
        """c[r c_row + j] = table[k + r] + Σ a[r a_row + i a_step + t a_jump] b[(t count + i) b_step + j]

        for r < rows ≤ the block's and j < columns ≤ WIDE, the sum over t < times and i < count. With ``add`` what is in
        c takes the place of the table's number. With ``finish`` the result v becomes act(v · table[outputs + k + r]
        + table[2 outputs + k + r]), act a ReLU with slope table[3 outputs]. All columns of b are read; nothing of a, c
        and the table is touched that does not belong to them. Meanwhile ahead[i ahead_step] is fetched. ``a``, ``b``,
        ``c`` and ``ahead`` are addresses.
        """

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kinds = signature.args
            times, count, a, a_row, a_step, a_jump, b, b_step, c, c_row = args[:10]
            rows, columns, add, table, k, outputs, finish, ahead, ahead_step = args[10:]
            of_rows = pointer(context, builder, kinds[13], table, k)
            left, right, to, soon = (builder.inttoptr(place, of_rows.type) for place in (a, b, c, ahead))
            inside = [builder.icmp_signed("<", rows.type(r), rows) for r in range(height)]
            # of rows that do not exist, the first is computed once more
            numbers = [builder.select(exists, rows.type(r), rows.type(0)) for r, exists in enumerate(inside)]
            places = [
                [
                    builder.gep(to, [builder.add(builder.mul(c_row, number), count.type(at))])
                    for at in range(0, WIDE, LANES)
                ]
                for number in numbers
            ]
            masks = [first(builder, builder.sub(columns, columns.type(at))) for at in range(0, WIDE, LANES)]
            whole = builder.and_(inside[-1], builder.icmp_signed(">=", columns, columns.type(WIDE)))

            def of_row(number: Any, which: int) -> Any:
                at = builder.add(number, builder.mul(outputs, outputs.type(which)))
                return spread(builder, builder.load(builder.gep(of_rows, [at]), align=4))

            for row in places:
                for place in row:
                    fetch_line(builder, place, writing=True)

            def fetch_ahead(i: Any) -> None:
                fetch_line(builder, builder.gep(soon, [builder.mul(i, ahead_step)]), level=2)

            sums = new_sums(builder, height, WIDE // LANES)
            with builder.if_else(add) as (more, begin):
                with more:
                    for row, totals in zip(places, sums, strict=True):
                        for mask, place, total in zip(masks, row, totals, strict=True):
                            builder.store(masked_at(builder, place, mask), total)
                with begin:
                    for number, totals in zip(numbers, sums, strict=True):
                        start = of_row(number, 0)
                        for total in totals:
                            builder.store(start, total)
            steps = [builder.mul(a_row, number) for number in numbers]
            with cgutils.for_range(builder, times) as outer:
                x = builder.gep(left, [builder.mul(outer.index, a_jump)])
                y = builder.gep(right, [builder.mul(outer.index, builder.mul(count, b_step))])
                add_products(builder, count, x, steps, a_step, y, b_step, sums, fetch_ahead)
            with builder.if_then(finish):
                slope = pointer(context, builder, kinds[13], table, builder.mul(outputs, outputs.type(3)))
                slope = spread(builder, builder.load(slope, align=4))
                for number, totals in zip(numbers, sums, strict=True):
                    factor, shift = of_row(number, 1), of_row(number, 2)
                    for total in totals:
                        value = builder.fmul(builder.load(total), factor, flags=("contract",))
                        value = builder.fadd(value, shift, flags=("contract",))
                        positive = builder.fcmp_ordered(">", value, zeros())
                        builder.store(builder.select(positive, value, builder.fmul(value, slope)), total)
            with builder.if_else(whole) as (all_of_it, part):
                with all_of_it:
                    for row, totals in zip(places, sums, strict=True):
                        for place, total in zip(row, totals, strict=True):
                            put_vector(builder, builder.load(total), place)
                with part:
                    for exists, row, totals in zip(inside, places, sums, strict=True):
                        with builder.if_then(exists):
                            for mask, place, total in zip(masks, row, totals, strict=True):
                                put_masked(builder, builder.load(total), place, mask)
            return context.get_dummy_value()

        index, flag = types.intp, types.boolean
        place = types.int64
        operands = (place, index, index, index, place, index, place, index)
        finished, next_one = (table, index, index, flag), (place, index)
        return types.void(index, index, *operands, index, index, flag, *finished, *next_one), generate

    return block


finished_block, finished_half_block = _block(ROWS), _block(ROWS // 2)
