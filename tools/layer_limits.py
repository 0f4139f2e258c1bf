"""A net layer by layer: time, GFLOP/s, GB/s and the share of what this machine could do at best.

Used by `tools/bench_nets.py --layers`. The limits are measured first: numpy's sgemm on all threads, and a large copy.
"""

from __future__ import annotations

import time

import numpy as np

from cafpy.cli.cmd_time import measure
from cafpy.cli.layer_cost import bytes_moved, flops
from cafpy.net import Net


def limits() -> tuple[float, float]:
    """Best GFLOP/s of sgemm (2048³) and best GB/s of a copy of 256 MB, read and written bytes counted."""
    a, b = np.ones((2048, 2048), np.float32), np.ones((2048, 2048), np.float32)
    gflops = 2 * 2048**3 / _best(lambda: a @ b) / 1e9
    source = np.ones(1 << 26, np.float32)
    target = np.empty_like(source)
    gbytes = 2 * source.nbytes / _best(lambda: np.copyto(target, source)) / 1e9
    return gflops, gbytes


def _best(run) -> float:
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return min(times)


def print_layers(net: Net, training: bool, iterations: int = 10) -> None:
    """A line for each layer that takes at least 0.5 % of the time, and the sums."""
    gflops, gbytes = limits()
    print(f"limits here: sgemm {gflops:.0f} GFLOP/s, copy {gbytes:.1f} GB/s")
    net.forward()
    if training:
        net.backward()
    times, _ = measure(net, iterations, training)
    total = sum(t.forward + t.backward for t in times)
    print(f"{'layer':<28} {'type':<16} {'forward':>9} {'backward':>9} {'GFLOP/s':>8} {'GB/s':>6} {'of limit':>8}")
    bound = 0.0
    for node, t in zip(net.nodes, times, strict=True):
        seconds = t.forward + t.backward
        passes = 1 + (1 + any(node.bottom_needs) if training and node.needs_backward else 0)
        work, moved = flops(node) * passes, bytes_moved(node) * passes
        least = max(work / gflops, moved / gbytes) / 1e9
        bound += least
        if seconds < 0.005 * total:
            continue
        forward, backward = t.forward * 1e3, t.backward * 1e3
        print(
            f"{node.param.name[:28]:<28} {node.param.type[:16]:<16} {forward:>6.2f} ms {backward:>6.2f} ms "
            f"{work / seconds / 1e9:>8.0f} {moved / seconds / 1e9:>6.1f} {least / seconds:>8.0%}"
        )
    print(f"all layers: {total * 1e3:.1f} ms; at the limit of direct products and copies: {bound * 1e3:.1f} ms")
