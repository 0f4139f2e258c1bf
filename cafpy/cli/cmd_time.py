"""`cafpy time`: how long each layer of a net takes, forward and backward."""

from __future__ import annotations

from typing import Any

import click

from cafpy.cli.caffe_log import log
from cafpy.cli.devices import choose_backend, device_options
from cafpy.cli.layer_time import measure
from cafpy.cli.net_options import fuse_option, layers_option, net_options, read_model, state_options


@click.command(short_help="Time each layer of a net, forward and backward.")
@net_options
@click.option("--iterations", default=50, show_default=True, type=click.IntRange(1), help="Passes to average over.")
@click.option(
    "--limits",
    is_flag=True,
    help="A table behind: each layer's GFLOP/s and GB/s, and its share of what this machine can do at best.",
)
@state_options(default_phase="TRAIN")
@layers_option
@fuse_option
@device_options
def command(
    model: str, iterations: int, limits: bool, phase: str, level: int, stage: tuple[str, ...], fuse: bool, **device: Any
) -> None:
    """Run a net forward and backward and tell how long each layer takes.

    One pass goes before and is not counted: it allocates memory and, on a first run, compiles kernels. With --limits a
    large product and a large copy are timed too, and each layer is compared with them.
    """
    from cafpy.net import Net
    from cafpy.proto import cafpy_pb2 as pb

    backend = choose_backend(**device)
    net = Net(read_model(model), pb.Phase.Value(phase), level, stage, backend, fuse=fuse)
    try:
        log(f"Use {backend.name}.")
        log("Performing Forward")
        net.forward()
        log(f"Initial loss: {net.loss():.6g}")
        log("Performing Backward")
        net.backward()
        log("*** Benchmark begins ***")
        log(f"Testing for {iterations} iterations.")
        times, total = measure(net, iterations)
        costs = []
        if limits:
            from cafpy.cli.layer_cost import layer_costs

            costs = layer_costs(net)
    finally:
        net.close()
    forward, backward = sum(t.forward for t in times), sum(t.backward for t in times)
    log("Average time per layer: ")
    for t in times:
        log(f"{t.name:>10}\tforward: {t.forward * 1e3:.6g} ms.")
        log(f"{t.name:>10}\tbackward: {t.backward * 1e3:.6g} ms.")
    log(f"Average Forward pass: {forward * 1e3:.6g} ms.")
    log(f"Average Backward pass: {backward * 1e3:.6g} ms.")
    log(f"Average Forward-Backward: {total / iterations * 1e3:.6g} ms.")
    log(f"Total Time: {total * 1e3:.6g} ms.")
    log("*** Benchmark ends ***")
    if limits:
        from cafpy.cli.layer_table import Row, table
        from cafpy.cli.machine_limits import measure_limits

        for line in table(list(map(Row, times, costs)), measure_limits(backend)):
            click.echo(line)
