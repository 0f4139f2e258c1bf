"""Routines that are bound by memory, for tools/bench_ops.py: pooling, LRN, BatchNorm with Scale and ReLU, and more."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator

import numpy as np
from work import Work, draw

from cafpy.backend import Backend
from cafpy.layers import split
from cafpy.layers.relu import ReLU
from cafpy.ops.batch_norm_chain import normalise_scale, normalise_scale_backward
from cafpy.ops.dropout import dropout
from cafpy.ops.lrn.regions import lrn, lrn_backward
from cafpy.ops.pooling.windows import Windows, max_pool, max_pool_backward, mean_pool, mean_pool_backward
from cafpy.ops.softmax import softmax
from cafpy.ops.update import FlatParameters
from cafpy.solvers.sgd import sgd

# images, channels, side, kernel, stride, pad
POOLINGS = {
    "lenet 1": (64, 20, 24, 2, 2, 0),
    "lenet 2": (64, 50, 8, 2, 2, 0),
    "cifar10 1": (100, 32, 32, 3, 2, 0),
    "cifar10 2": (100, 32, 16, 3, 2, 0),
    "alexnet 1": (32, 96, 55, 3, 2, 0),
    "alexnet 2": (32, 256, 27, 3, 2, 0),
    "vgg 1": (4, 64, 224, 2, 2, 0),
    "resnet": (8, 64, 112, 3, 2, 0),
    "googlenet 3b": (16, 256, 28, 3, 1, 1),
    "googlenet 4b": (16, 512, 14, 3, 1, 1),
    "googlenet 5b": (16, 832, 7, 3, 1, 1),
    "over the whole map": (16, 1024, 7, 7, 1, 0),
    "5x5 stride 3": (16, 512, 14, 5, 3, 0),
}

# images, channels, side, size of the window, whether it lies within a channel
LRNS = {
    "alexnet 1": (32, 96, 55, 5, False),
    "alexnet 2": (32, 256, 27, 5, False),
    "googlenet": (16, 64, 56, 5, False),
    "cifar10 1": (100, 32, 16, 3, True),
    "cifar10 2": (100, 32, 8, 3, True),
}
# images, channels, side, whether in place
NORMALISATIONS = {
    "mobilenet 1": (8, 64, 112, True),
    "mobilenet 2": (8, 128, 56, True),
    "mobilenet 3": (8, 256, 28, True),
    "mobilenet 4": (8, 512, 14, True),
    "mobilenet 5": (8, 1024, 7, True),
    "apart 1": (8, 64, 112, False),
    "apart 2": (8, 128, 56, False),
    "apart 4": (8, 512, 14, False),
    "apart 5": (8, 2048, 7, False),
}


def poolings(backend: Backend, rng: np.random.Generator) -> Iterator[Work]:
    for name, (images, channels, side, kernel, stride, pad) in POOLINGS.items():
        out = -(-(side + 2 * pad - kernel) // stride) + 1
        windows = Windows((side,) * 2, (out,) * 2, (kernel,) * 2, (stride,) * 2, (pad,) * 2)
        x, y = draw(rng, images, channels, side, side), draw(rng, images, channels, out, out)
        dx, dy, mask = np.empty_like(x), y.copy(), np.zeros(y.shape, np.int32)
        size = x.nbytes + y.nbytes
        forward, backward = by_torch("max_pool2d", x, kernel, stride, pad, ceil_mode=True)
        work = (backend, x, y, mask, windows)
        yield Work(f"pool max {name}: forward", max_pool, work, bytes=size + y.nbytes, rivals=forward)
        work = (backend, dy, mask, dx, windows)
        yield Work(f"pool max {name}: backward", max_pool_backward, work, bytes=size + y.nbytes, rivals=backward)
        forward, backward = by_torch("avg_pool2d", x, kernel, stride, pad, ceil_mode=True)
        yield Work(f"pool mean {name}: forward", mean_pool, (backend, x, y, windows), bytes=size, rivals=forward)
        work = (backend, dy, dx, windows)
        yield Work(f"pool mean {name}: backward", mean_pool_backward, work, bytes=size, rivals=backward)


def lrns(backend: Backend, rng: np.random.Generator) -> Iterator[Work]:
    for name, (images, channels, side, size, within) in LRNS.items():
        x, dy = draw(rng, images, channels, side, side), draw(rng, images, channels, side, side)
        y, dx = np.empty_like(x), np.empty_like(x)
        options = (size, within, 2e-5, 0.75, 1.0)
        forward, backward = ({}, {}) if within else by_torch("local_response_norm", x, size, 1e-4, 0.75, 1.0)
        yield Work(f"lrn {name}: forward", lrn, (backend, x, y, *options), bytes=2 * x.nbytes, rivals=forward)
        work = (backend, dy, x, dx, *options)
        yield Work(f"lrn {name}: backward", lrn_backward, work, bytes=3 * x.nbytes, rivals=backward)


def normalisations(backend: Backend, rng: np.random.Generator) -> Iterator[Work]:
    """BatchNorm, Scale and ReLU as one, while training."""
    for name, (images, channels, side, in_place) in NORMALISATIONS.items():
        x, dy = (draw(rng, images, channels, side * side) for _ in range(2))
        y, kept, dx = x if in_place else np.empty_like(x), np.empty_like(x) if in_place else None, np.empty_like(x)
        statistics, one, zero = np.zeros((3, channels), np.float32), np.ones(channels), np.zeros(channels)
        table = np.array([one, zero, zero, 1e-5 * one, zero], np.float32)
        back = np.array([zero, one, zero, one, zero, zero, 0.5 * one, one], np.float32)
        forward, backward = by_torch("batch_norm_relu", x.reshape(images, channels, side, side).copy())
        work = (backend, x, statistics, table, False, kept, y)
        size = x.nbytes * (3 if in_place else 2)
        yield Work(f"normalise {name}: forward", normalise_scale, work, bytes=size, rivals=forward)
        work = (backend, x.copy(), back, False, dy, dy if in_place else dx)
        size = x.nbytes * (3 if in_place else 4)
        yield Work(f"normalise {name}: backward", normalise_scale_backward, work, bytes=size, rivals=backward)


def singles(backend: Backend, rng: np.random.Generator) -> Iterator[Work]:
    x, y = draw(rng, 32, 96, 55, 55), draw(rng, 32, 96, 55, 55)
    out = np.empty_like(x)
    yield Work("relu in place: forward", ReLU._forward, (backend, (x,), (0.0,), x), bytes=2 * x.nbytes)
    yield Work("split: backward", split._add, (backend, (x, y), (), out), bytes=3 * x.nbytes)
    yield Work("dropout: forward", dropout, (backend, x, 1, 2, 0.5, out), bytes=2 * x.nbytes)
    scores = draw(rng, 32, 1000, 1)
    yield Work("softmax: forward", softmax, (backend, scores, scores.copy()), bytes=2 * scores.nbytes)
    for name, count in (("lenet", 431080), ("resnet50", 25_500_000)):
        flat = FlatParameters(draw(rng, count), np.zeros(count, np.float32), [count])
        history = np.zeros(count, np.float32)
        yield Work(f"sgd {name}: update", sgd, (backend, flat, history, 0.9), bytes=20.0 * count)


def by_torch(
    name: str, x: np.ndarray, *options: object, **named: object
) -> tuple[dict[str, Callable[[], object]], ...]:
    """What runs forward and backward in PyTorch, by the order of memory."""
    if importlib.util.find_spec("torch") is None:
        return {}, {}
    from torch_memory import rivals

    return rivals(name, x, *options, **named)
