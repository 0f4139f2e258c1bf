"""Whole nets: cafpy beside PyTorch, the same prototxt, in one run.

    python tools/bench_nets.py                      every net of the table
    python tools/bench_nets.py lenet resnet50       some of them
    python tools/bench_nets.py --layers lenet       cafpy's time layer by layer, with the share of the limit
    python tools/bench_nets.py --inference googlenet

Random data; a step is forward, backward and update (SGD with momentum and weight decay). Every competitor warms up,
then they take turns, one step each, so that a change of the machine's speed meets all of them alike. Medians of
the steps, in milliseconds, with the span of the middle half behind; the ratio is the best PyTorch over cafpy. Needs
PyTorch (`pip install torch`), which cafpy itself does not.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cafpy.backend import CpuBackend
from cafpy.net import Net
from cafpy.ops.update import FlatParameters
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import read_net
from cafpy.solvers.update_rule import update_rule

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Bench:
    """A net of the table: its folder under models/, its batch, the shape of one image."""

    folder: str
    batch: int
    shape: tuple[int, int, int]


NETS = {
    "lenet": Bench("lenet_mnist", 64, (1, 28, 28)),
    "cifar10_full": Bench("cifar10_full", 100, (3, 32, 32)),
    "alexnet": Bench("alexnet", 32, (3, 227, 227)),
    "caffenet": Bench("caffenet", 32, (3, 227, 227)),
    "googlenet": Bench("googlenet", 16, (3, 224, 224)),
    "resnet50": Bench("resnet50", 8, (3, 224, 224)),
    "vgg16": Bench("vgg16", 4, (3, 224, 224)),
    "mobilenet_v1": Bench("mobilenet_v1", 8, (3, 224, 224)),
    "mobilenet_v2": Bench("mobilenet_v2", 8, (3, 224, 224)),
    "squeezenet": Bench("squeezenet_v1.1", 16, (3, 227, 227)),
}


def with_inputs(param: pb.NetParameter, batch: int, shape: tuple[int, ...]) -> pb.NetParameter:
    """The net with Input layers of this batch in place of its data layers."""
    out = pb.NetParameter()
    out.CopyFrom(param)
    for layer in out.layer:
        if layer.bottom or layer.type in ("DummyData", "Parameter"):
            continue
        layer.type = "Input"
        layer.ClearField("input_param")
        for i in range(len(layer.top)):
            layer.input_param.shape.add(dim=(batch, *shape) if i == 0 else (batch,))
    return out


class CafpyStep:
    """One training step (or forward pass) of cafpy on random data."""

    def __init__(self, param: pb.NetParameter, training: bool, threads: int):
        self.net = Net(param, pb.TRAIN if training else pb.TEST, backend=CpuBackend(threads), seed=1)
        self.training = training
        rng = np.random.default_rng(0)
        data, *label = self.net.inputs
        self.net.blobs[data].data[...] = rng.standard_normal(self.net.blobs[data].shape)
        for name in label:
            self.net.blobs[name].data[...] = rng.integers(0, 10, self.net.blobs[name].shape)
        if training:
            param = pb.SolverParameter(type="SGD", momentum=0.9)
            self.flat = FlatParameters(*self.net.arena(), [p.blob.count for p in self.net.learnable])
            self.flat.rates[:], self.flat.decays[:] = 1e-5, 5e-4
            self.rule, self.history = update_rule(param), [np.zeros_like(self.flat.data)]

    def __call__(self) -> None:
        if not self.training:
            self.net.forward()
            return
        self.net.clear_param_diffs()
        self.net.forward()
        self.net.backward()
        self.rule.update(self.net.backend, self.flat, self.history, 1)


class TorchStep:
    """The same step in PyTorch: mode "nchw", "channels_last" or "compile" (channels_last and torch.compile)."""

    def __init__(self, net: Net, training: bool, threads: int, mode: str):
        import torch
        from torch_net import TorchNet

        torch.set_num_threads(threads)
        layout = torch.contiguous_format if mode == "nchw" else torch.channels_last
        shapes = {name: blob.shape for name, blob in net.blobs.items()}
        module = TorchNet(net.param, shapes).train(training).to(memory_format=layout)
        data, *label = (net.blobs[name].data for name in net.inputs)
        self.inputs = [torch.from_numpy(data.copy()).contiguous(memory_format=layout)]
        self.inputs += [torch.from_numpy(x.copy()) for x in label]
        self.optimizer = torch.optim.SGD(module.parameters(), 1e-5, 0.9, weight_decay=5e-4) if training else None
        self.module = torch.compile(module) if mode == "compile" else module
        self.no_grad = torch.inference_mode

    def __call__(self) -> None:
        if self.optimizer is None:
            with self.no_grad():
                self.module(*self.inputs)
            return
        self.optimizer.zero_grad()
        self.module(*self.inputs).backward()
        self.optimizer.step()


def race(competitors: dict[str, Callable[[], None]], seconds: float) -> dict[str, list[float]]:
    """Milliseconds of each step of each competitor; they warm up, then take turns for about ``seconds``."""
    for step in competitors.values():
        step()
        step()
    times: dict[str, list[float]] = {name: [] for name in competitors}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or min(map(len, times.values())) < 3:
        for name, step in competitors.items():
            begin = time.perf_counter()
            step()
            times[name].append((time.perf_counter() - begin) * 1e3)
    return times


def show(times: list[float]) -> str:
    """ "12.3 (11.9–13.0)": the median and the middle half."""
    if len(times) < 4:
        return f"{statistics.median(times):.1f}"
    low, _, high = statistics.quantiles(times, n=4)
    return f"{statistics.median(times):.1f} ({low:.1f}–{high:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", default=list(NETS), help=f"some of {', '.join(NETS)}")
    parser.add_argument("--inference", action="store_true", help="forward in phase TEST only")
    parser.add_argument("--batch", type=int, help="another batch size than the table's")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20, help="time for each net's race")
    parser.add_argument("--modes", default="nchw,channels_last,compile", help="which of PyTorch's modes")
    parser.add_argument("--layers", action="store_true", help="cafpy alone, layer by layer")
    args = parser.parse_args()
    modes = [mode for mode in args.modes.split(",") if mode and not args.layers]
    print("| net, batch | cafpy | " + " | ".join(f"PyTorch {mode}" for mode in modes) + " | best / cafpy |")
    print("|" + "---|" * (len(modes) + 3))
    for name in args.nets:
        bench = NETS[name]
        batch = args.batch or bench.batch
        file = "deploy.prototxt" if args.inference else "train_val.prototxt"
        param = with_inputs(read_net(ROOT / "models" / bench.folder / file), batch, bench.shape)
        ours = CafpyStep(param, not args.inference, args.threads)
        if args.layers:
            from layer_limits import print_layers

            print_layers(ours.net, not args.inference)
            continue
        competitors: dict[str, Callable[[], None]] = {"cafpy": ours}
        for mode in modes:
            competitors[mode] = TorchStep(ours.net, not args.inference, args.threads, mode)
        times = race(competitors, args.seconds)
        best = min(statistics.median(times[mode]) for mode in modes)
        cells = " | ".join(show(times[key]) for key in competitors)
        print(f"| {name} {batch} | {cells} | {best / statistics.median(times['cafpy']):.2f} |", flush=True)


if __name__ == "__main__":
    main()
