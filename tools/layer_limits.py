"""A net layer by layer: time, GFLOP/s, GB/s and the share of what this machine could do at best.

Used by `tools/bench_nets.py --layers` and for its last column; `cafpy time --limits` prints the same table.
"""

from __future__ import annotations

from collections import defaultdict

from cafpy.cli.layer_cost import Cost, layer_costs
from cafpy.cli.layer_table import Row, table
from cafpy.cli.layer_time import measure
from cafpy.cli.machine_limits import measure_limits
from cafpy.net import Net


def rows(net: Net, training: bool, seconds: float) -> list[Row]:
    """Each step with its time and least work, of as many passes as take about ``seconds``, at least three."""
    net.forward()
    if training:
        net.backward()
    _, once = measure(net, 1, training)
    times, _ = measure(net, max(3, int(seconds / once)), training)
    return list(map(Row, times, layer_costs(net, training)))


def layer_lines(net: Net, training: bool, seconds: float = 5.0) -> list[str]:
    """The table's lines."""
    return list(table(rows(net, training, seconds), measure_limits(net.backend)))


def what_bounds(net: Net, training: bool, seconds: float = 2.0) -> str:
    """The kinds of layers that take most of the time, with the limit that counts for them and their share of it:
    "Convolution + ReLU 71 % of the time (products, 85 % of the limit)"."""
    limits = measure_limits(net.backend)
    spent: dict[str, float] = defaultdict(float)
    costs: dict[str, Cost] = defaultdict(lambda: Cost(0, 0))
    least: dict[str, float] = defaultdict(float)
    for row in rows(net, training, seconds):
        kind = row.time.type
        spent[kind] += row.seconds
        costs[kind] += row.cost
        least[kind] += row.cost.least_seconds(*limits)
    total = sum(spent.values())
    said = []
    for kind in sorted(spent, key=spent.get, reverse=True)[:3]:
        if spent[kind] < 0.1 * total and said:
            break
        by = "products" if costs[kind].flops / limits.gflops > costs[kind].bytes / limits.gbytes else "memory"
        said.append(
            f"{kind} {spent[kind] / total:.0%} of the time ({by}, {least[kind] / spent[kind]:.0%} of the limit)"
        )
    return "; ".join(said)
