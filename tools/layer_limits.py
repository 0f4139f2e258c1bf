"""A net layer by layer: time, GFLOP/s, GB/s and the share of what this machine could do at best.

Used by `tools/bench_nets.py --layers`; `cafpy time --limits` prints the same table.
"""

from __future__ import annotations

from cafpy.cli.layer_cost import layer_costs
from cafpy.cli.layer_table import Row, table
from cafpy.cli.layer_time import measure
from cafpy.cli.machine_limits import measure_limits
from cafpy.net import Net


def layer_lines(net: Net, training: bool, seconds: float = 5.0) -> list[str]:
    """The table's lines, of as many passes as take about ``seconds``, at least three."""
    net.forward()
    if training:
        net.backward()
    _, once = measure(net, 1, training)
    times, _ = measure(net, max(3, int(seconds / once)), training)
    return list(table(list(map(Row, times, layer_costs(net, training))), measure_limits(net.backend)))
