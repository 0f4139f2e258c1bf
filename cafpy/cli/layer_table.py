"""A table of a net's layers: time, GFLOP/s, GB/s and the share of what the machine could do at best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cafpy.cli.layer_cost import NOTHING, Cost
from cafpy.cli.layer_time import LayerTime
from cafpy.cli.machine_limits import Limits

_HEAD = f"{'layer':<28} {'type':<16} {'forward':>10} {'backward':>10} {'GFLOP/s':>8} {'GB/s':>6} {'of limit':>8}"


class Row(NamedTuple):
    """A layer, or several that run together: how long it took and the least work of it."""

    time: LayerTime
    cost: Cost

    @property
    def seconds(self) -> float:
        """Forward and backward."""
        return self.time.forward + self.time.backward


def table(rows: Sequence[Row], limits: Limits, least_share: float = 0.005) -> Iterator[str]:
    """Lines: the limits, one for each row that takes at least ``least_share`` of the time, and the sums.

    The share of the limit is the time that the row's products or its bytes, whichever takes longer, need at the limits,
    over its time. It may exceed 100 %: Winograd's convolutions need fewer multiplications than are counted, and small
    blobs stay in the cache.
    """
    total = sum(row.seconds for row in rows)
    yield f"Limits of this machine: sgemm {limits.gflops:.0f} GFLOP/s, copy {limits.gbytes:.1f} GB/s"
    yield _HEAD
    hidden, cost = 0, NOTHING
    for row in rows:
        cost += row.cost
        if row.seconds < least_share * total:
            hidden += 1
            continue
        yield _line(row, limits)
    if hidden:
        what = "1 layer" if hidden == 1 else f"{hidden} layers"
        yield f"({what} below {least_share:.1%} of the time not shown)"
    bound = sum(row.cost.least_seconds(*limits) for row in rows)
    yield (
        f"all layers: {total * 1e3:.2f} ms, {cost.flops / 1e9:.2f} GFLOP, {cost.bytes / 1e6:.0f} MB; "
        f"at the limits: {bound * 1e3:.2f} ms ({bound / total if total else 0:.0%})"
    )


def _line(row: Row, limits: Limits) -> str:
    time, seconds = row.time, row.seconds
    return (
        f"{time.name[:28]:<28} {time.type[:16]:<16} {time.forward * 1e3:>7.2f} ms {time.backward * 1e3:>7.2f} ms "
        f"{row.cost.flops / seconds / 1e9:>8.0f} {row.cost.bytes / seconds / 1e9:>6.1f} "
        f"{row.cost.least_seconds(*limits) / seconds:>8.0%}"
    )
