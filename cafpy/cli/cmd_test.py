"""`cafpy test`: evaluate a trained net on its test data."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import click
import numpy as np

from cafpy.cli.caffe_log import log, number, output_line
from cafpy.cli.devices import choose_backend, device_options
from cafpy.cli.net_options import fuse_option, layers_option, memory_option, net_options, read_model, state_options
from cafpy.cli.zoo_weights import fetch_zoo_weights
from cafpy.errors import NetError


@click.command(short_help="Evaluate trained weights on a net's test data.")
@net_options
@click.option("--weights", required=True, multiple=True, metavar="FILE", help="Weights, or zoo:NAME; may be repeated.")
@click.option("--iterations", default=50, show_default=True, type=click.IntRange(1), help="Batches to average over.")
@state_options(default_phase="TEST")
@layers_option
@memory_option
@fuse_option
@device_options
def command(
    model: str,
    weights: tuple[str, ...],
    iterations: int,
    phase: str,
    level: int,
    stage: tuple[str, ...],
    share_memory: bool,
    fuse: bool,
    **device: Any,
) -> None:
    """Run a net forward over its test data and print the mean of each output, and of the loss."""
    from cafpy.net import Net
    from cafpy.proto import cafpy_pb2 as pb
    from cafpy.snapshot.load import load_weights

    fetch_zoo_weights(weights)
    backend = choose_backend(**device)
    log(f"Use {backend.name}.", "caffe")
    number_of_phase = pb.Phase.Value(phase)
    with closing(
        Net(read_model(model), number_of_phase, level, stage, backend, share_memory=share_memory, fuse=fuse)
    ) as net:
        if net.inputs:
            raise NetError(
                f"{model}: nothing fills this net's input {', '.join(net.inputs)}, so "
                "there is nothing to test on; give the net with data layers, often train_val.prototxt"
            )
        for path in weights:
            log(str(load_weights(net, path)), "caffe")
        log(f"Running for {iterations} iterations.", "caffe")
        sums: dict[str, np.ndarray] = {}
        loss = 0.0
        for i in range(iterations):
            net.forward()
            backend.raise_pending()
            loss += net.loss()
            for name in net.outputs:
                values = backend.to_host(net.blobs[name].data).ravel().astype(np.float64)
                sums[name] = sums.get(name, 0) + values
                for value in values:
                    log(f"Batch {i}, {name} = {number(value)}", "caffe")
        log(f"Loss: {number(loss / iterations)}", "caffe")
        for name, total in sums.items():
            for value in total / iterations:
                log(output_line(name, value, net.loss_weight(name)), "caffe")
