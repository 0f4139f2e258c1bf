"""A net with layers that run as one beside the same net with single layers (`--no-fuse`), in turns in one run.

    python tools/bench_fusion.py                            the nets of docs/performance.md
    python tools/bench_fusion.py mobilenet_v1 --batch 16    one of models/

Random images and parameters. A training step is forward and backward; in phase TEST it is forward. Least time and
median in milliseconds; the ratios tell how many times as long single layers took.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from cafpy.backend import CpuBackend
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import read_net

MODELS = Path(__file__).resolve().parent.parent / "models"


def build(model: str, phase: int, batch: int, threads: int, fuse: bool) -> Net:
    """The model's net on random images of 224 × 224, with random parameters that keep its values in bounds."""
    file = "train_val.prototxt" if phase == pb.TRAIN else "deploy.prototxt"
    param = read_net(MODELS / model / file)
    for layer in param.layer:
        if not layer.bottom:
            layer.type = "Input"
            layer.ClearField("input_param")
            for i in range(len(layer.top)):
                layer.input_param.shape.add(dim=(batch, 3, 224, 224) if i == 0 else (batch,))
    net = Net(param, phase, backend=CpuBackend(threads), seed=1, fuse=fuse)
    rng = np.random.default_rng(0)
    data, *labels = net.inputs
    net.blobs[data].data[...] = rng.standard_normal(net.blobs[data].shape)
    for name in labels:
        net.blobs[name].data[...] = rng.integers(0, 10, net.blobs[name].shape)
    for node in net.nodes:
        for i, blob in enumerate(node.layer.blobs):
            values = rng.standard_normal(blob.shape)
            if node.param.type == "BatchNorm":
                blob.data[...] = 1
            elif blob.ndim > 1:
                blob.data[...] = values * np.sqrt(2 * blob.shape[0] / blob.count)
            else:
                blob.data[...] = (node.param.type == "Scale" and i == 0) + 0.1 * values
    return net


def step(net: Net) -> float:
    """Milliseconds of one step."""
    net.clear_param_diffs()
    begin = time.perf_counter()
    net.forward()
    if net.phase == pb.TRAIN:
        net.backward()
    return (time.perf_counter() - begin) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["mobilenet_v1", "mobilenet_v2", "resnet50", "googlenet"])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    args = parser.parse_args()
    print("| Net, phase | fused: least, median | single: least, median | least × | median × |\n|---|---|---|---:|---:|")
    for model in args.models:
        for phase in (pb.TRAIN, pb.TEST):
            nets = [build(model, phase, args.batch, args.threads, fuse) for fuse in (True, False)]
            for net in nets:
                step(net)
            rounds = [[step(net) for net in nets] for _ in range(args.steps)]
            (a, b), (c, d) = ((min(times), statistics.median(times)) for times in zip(*rounds, strict=True))
            name = f"{model}, {pb.Phase.Name(phase)}"
            print(f"| {name} | {a:.1f}, {b:.1f} | {c:.1f}, {d:.1f} | {c / a:.2f} | {d / b:.2f} |", flush=True)


if __name__ == "__main__":
    main()
