"""The heavy routines one by one: how long they take, and how near that is to what the machine can do.

    python tools/bench_ops.py                   everything
    python tools/bench_ops.py "conv resnet"     what has these words in its name
    python tools/bench_ops.py --threads 1

Convolutions and products are bound by arithmetic: beside the time stand GFLOP/s and their share of what numpy's own
product of two 2048 x 2048 matrices reaches here. The other routines are bound by memory: GB/s of what must be read
and written at least, and the share of what copying a large array reaches. The best of some runs counts, so that other
processes disturb little; time of the first call (compilation, or loading from the cache) stands last where it is long.

Where PyTorch is installed, convolutions, pooling, LRN over channels and BatchNorm are also run by it, in turn with
ours; "x 1.50" says that it took 1.5 times as long, in its usual order of memory (NCHW) and with channels last; so are
products. Gradients of weights and products that are not BLAS's are run by it as well, convolutions then with column
matrices.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from work import Work, draw
from works_of_memory import lrns, normalisations, poolings, singles

from cafpy.backend import Backend, CpuBackend
from cafpy.ops.convolution.bias import add_bias_gradient
from cafpy.ops.convolution.blocked import BlockedConvolution
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.plans import backward, convolution
from cafpy.ops.inner_product import add_product, by_blas, pays

SECONDS = 0.4  # for each routine

# images, channels, outputs, side, kernel, stride, pad, group
CONVOLUTIONS = {
    "lenet 1": (64, 1, 20, 28, 5, 1, 0, 1),
    "lenet 2": (64, 20, 50, 12, 5, 1, 0, 1),
    "cifar10 1": (100, 3, 32, 32, 5, 1, 2, 1),
    "cifar10 2": (100, 32, 32, 16, 5, 1, 2, 1),
    "cifar10 3": (100, 32, 64, 8, 5, 1, 2, 1),
    "vgg first": (2, 3, 64, 224, 3, 1, 1, 1),
    "alexnet 1": (16, 3, 96, 227, 11, 4, 0, 1),
    "alexnet 2": (16, 96, 256, 27, 5, 1, 2, 2),
    "alexnet 3": (16, 256, 384, 13, 3, 1, 1, 1),
    "vgg 1_2": (2, 64, 64, 224, 3, 1, 1, 1),
    "resnet 7x7": (8, 3, 64, 224, 7, 2, 3, 1),
    "resnet 64": (8, 64, 64, 56, 3, 1, 1, 1),
    "resnet 128": (8, 128, 128, 28, 3, 1, 1, 1),
    "resnet 256": (8, 256, 256, 14, 3, 1, 1, 1),
    "resnet 512": (8, 512, 512, 7, 3, 1, 1, 1),
    "resnet 1x1": (8, 256, 64, 56, 1, 1, 0, 1),
    "resnet 1x1 stride 2": (8, 256, 512, 56, 1, 2, 0, 1),
    "resnet 1x1 small maps": (8, 2048, 512, 7, 1, 1, 0, 1),
    "resnet one image": (1, 256, 256, 14, 3, 1, 1, 1),
    "vgg 4": (2, 512, 512, 28, 3, 1, 1, 1),
    "3x3 32 maps": (16, 32, 32, 32, 3, 1, 1, 1),
    "3x3 16 maps": (8, 16, 16, 56, 3, 1, 1, 1),
    "resnet 1x1 to many": (8, 64, 256, 56, 1, 1, 0, 1),
    "resnet 1x1 14": (8, 1024, 256, 14, 1, 1, 0, 1),
    "resnet 1x1 14 to many": (8, 256, 1024, 14, 1, 1, 0, 1),
    "resnet 1x1 7 to many": (8, 512, 2048, 7, 1, 1, 0, 1),
    "resnet 3x3 stride 2": (8, 256, 256, 28, 3, 2, 1, 1),
    "resnet 1x1 of one image": (1, 256, 64, 56, 1, 1, 0, 1),
    "resnet 1x1 7 of one image": (1, 2048, 512, 7, 1, 1, 0, 1),
    "googlenet 1x1 28": (8, 192, 64, 28, 1, 1, 0, 1),
    "googlenet 1x1 28 few": (8, 192, 16, 28, 1, 1, 0, 1),
    "googlenet 1x1 14": (8, 512, 160, 14, 1, 1, 0, 1),
    "googlenet 5x5": (8, 32, 96, 28, 5, 1, 2, 1),
    "mobilenet 1": (8, 3, 32, 224, 3, 2, 1, 1),
    "mobilenet 1x1 112": (8, 32, 64, 112, 1, 1, 0, 1),
    "mobilenet 1x1 56": (8, 128, 128, 56, 1, 1, 0, 1),
    "mobilenet 1x1 14": (8, 512, 512, 14, 1, 1, 0, 1),
    "mobilenet 1x1 7": (8, 1024, 1024, 7, 1, 1, 0, 1),
    "mobilenet depthwise": (8, 128, 128, 56, 3, 1, 1, 128),
    "mobilenet depthwise stride 2": (8, 256, 256, 28, 3, 2, 1, 256),
    "mobilenet depthwise small maps": (8, 512, 512, 14, 3, 1, 1, 512),
}

# items, length of an item, outputs
PRODUCTS = {
    "lenet 1": (64, 800, 500),
    "lenet 2": (64, 500, 10),
    "cifar10 1": (100, 1024, 64),
    "cifar10 2": (100, 1024, 10),
    "alexnet fc6": (32, 9216, 4096),
    "alexnet fc7": (32, 4096, 4096),
    "alexnet fc8": (32, 4096, 1000),
    "resnet": (8, 2048, 1000),
    "lstm": (16, 256, 1024),
    "one item": (1, 4096, 4096),
    "four items": (4, 4096, 4096),
    "sixteen items": (16, 4096, 4096),
}


def convolutions(backend: Backend, rng: np.random.Generator) -> Iterator[Work]:
    for name, (images, channels, outputs, side, kernel, stride, pad, group) in CONVOLUTIONS.items():
        sides = ((side,) * 2, (kernel,) * 2, (stride,) * 2, (pad,) * 2, (1, 1))
        g = Geometry(images, channels, outputs, group, *sides)
        x, y = draw(rng, images, channels, side, side), draw(rng, images, outputs, *g.windows)
        weight, bias = draw(rng, outputs, channels // group, kernel, kernel), draw(rng, outputs)
        plan = convolution(backend, g, x.dtype)
        out, dx, dweight = np.zeros_like(y), np.zeros_like(x), np.zeros_like(weight)
        flops = 2.0 * images * outputs * g.places * g.weights_per_output
        rivals = by_torch(g, x, weight, bias, y)
        for direction, routine, arguments in (
            ("forward", plan.forward, (x, weight, bias, out)),
            ("backward to weights", plan.backward_weight, (x, y, dweight)),
            ("backward to data", plan.backward_data, (y, weight, None, dx)),
            ("backward to both", backward, (plan, x, y, weight, dweight, dx)),
        ):
            beside = rivals.get(direction.removeprefix("backward "), {})
            if direction == "backward to weights" and group < channels:
                columns = BlockedConvolution(g, x.dtype)
                columns.weight_gradient = None
                beside = {"BLAS": partial(columns.backward_weight, x, y, np.zeros_like(weight))} | beside
            work = 2 * flops if direction == "backward to both" else flops
            yield Work(f"conv {name}: {direction}", routine, arguments, work, rivals=beside)
        maps = y.reshape(images, outputs, -1)
        yield Work(f"conv {name}: backward to bias", add_bias_gradient, (backend, maps, bias), bytes=y.nbytes)


def by_torch(g: Geometry, *arrays: np.ndarray) -> dict[str, dict[str, Callable[[], object]]]:
    if importlib.util.find_spec("torch") is None:
        return {}
    from torch_convolution import rivals

    return rivals(g, *arrays)


def inner_products(backend: Backend, rng: np.random.Generator) -> Iterator[Work]:
    for name, (items, length, outputs) in PRODUCTS.items():
        x, weight, y = draw(rng, items, length), draw(rng, outputs, length), draw(rng, items, outputs)
        flops = 2.0 * items * length * outputs
        for direction, *arguments in (
            ("forward", x, weight.T, y, False),
            ("backward to weights", y.T, x, np.zeros_like(weight), True),
            ("backward to data", y, weight, np.zeros_like(x), False),
        ):
            rivals = {"BLAS": partial(by_blas, *arguments)} if pays(*arguments[:2]) else {}
            if importlib.util.find_spec("torch") is not None:
                from torch_convolution import product

                rivals["PyTorch"] = product(*arguments)
            yield Work(f"ip {name}: {direction}", add_product, (backend, *arguments), flops, rivals=rivals)


def best(run: Callable[[], object], seconds: float = SECONDS) -> float:
    """The shortest of the runs that fit into ``seconds``, three at least."""
    return best_in_turn([run], seconds)[0]


def best_in_turn(runs: list[Callable[[], object]], seconds: float = SECONDS) -> list[float]:
    """The shortest of the runs of each that fit into ``seconds``, three at least."""
    times: list[list[float]] = [[] for _ in runs]
    end = time.perf_counter() + seconds
    while len(times[0]) < 3 or time.perf_counter() < end:
        for run, of_run in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            of_run.append(time.perf_counter() - start)
    return [min(of_run) for of_run in times]


def limits() -> tuple[float, float]:
    """GFLOP/s of numpy's product, GB/s of numpy's copy (of a thread: others share the same memory)."""
    a, b = (np.ones((2048, 2048), np.float32) for _ in range(2))
    c = np.empty_like(a)
    flops = 2 * 2048**3 / best(lambda: np.matmul(a, b, out=c))
    source, target = np.ones(1 << 25, np.float32), np.empty(1 << 25, np.float32)
    return flops / 1e9, 2 * source.nbytes / best(lambda: np.copyto(target, source)) / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="?", default="", help="only what has these words in its name")
    parser.add_argument("--threads", type=int, help="threads (all processors when left out)")
    parser.add_argument("--no-winograd", action="store_true", help="convolutions by column matrices only")
    args = parser.parse_args()
    backend = CpuBackend(args.threads, winograd=not args.no_winograd)
    if importlib.util.find_spec("torch") is not None:
        import torch

        torch.set_num_threads(backend.threads)
    flops, bandwidth = limits()
    print(f"{backend.threads} threads; a product reaches {flops:.0f} GFLOP/s, a copy {bandwidth:.1f} GB/s")
    rng = np.random.default_rng(0)
    for group in (convolutions, inner_products, poolings, lrns, normalisations, singles):
        for work in group(backend, rng):
            if not all(word in work.name for word in args.words.split()):
                continue
            start = time.perf_counter()
            work.run()
            first = time.perf_counter() - start
            for rival in work.rivals.values():
                rival()
            seconds, *others = best_in_turn([work.run, *work.rivals.values()])
            rate, limit, unit = (work.flops, flops, "GFLOP/s") if work.flops else (work.bytes, bandwidth, "GB/s")
            rate /= seconds * 1e9
            line = f"{work.name:55} {seconds * 1e3:9.3f} ms {rate:7.1f} {unit:7} {rate / limit:5.0%}"
            for beside, other in zip(work.rivals, others, strict=True):
                line += f"   {beside} x {other / seconds:.2f}"
            print(f"{line}   first call {first:.1f} s" if first > 0.2 + seconds else line, flush=True)


if __name__ == "__main__":
    main()
