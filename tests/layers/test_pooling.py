"""Pooling: cases for the contract, its errors, and drawing at random."""

# ruff: noqa: E501

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.errors import LayerError
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.testing.case import Case


def case(name: str, options: str, shape: tuple[int, ...] = (2, 3, 6, 7), **more) -> Case:
    return Case(name, f'type: "Pooling" pooling_param {{ {options} }}', [shape], **more)


POSITIVE = np.random.default_rng(3).uniform(0.1, 1, (2, 2, 5, 6))

CASES = [
    case("max", "kernel_size: 2 stride: 2"),
    case("max, overlapping", "kernel_size: 3 stride: 2"),
    case("max, padded", "kernel_size: 3 stride: 2 pad: 1"),
    case("max, floor", "kernel_size: 3 stride: 2 round_mode: FLOOR", (2, 3, 6, 8)),
    case("max, gaps", "kernel_size: 2 stride: 3", (2, 3, 7, 8)),
    case("max, height and width", "kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 2 pad_h: 1 pad_w: 0"),
    case("max, places", "kernel_size: 3 stride: 2 pad: 1", tops=2),
    case("max, global", "global_pooling: true"),
    case("max, large", "kernel_size: 3 stride: 2", (3, 5, 27, 33), gradient=()),
    case("mean", "pool: AVE kernel_size: 2 stride: 2"),
    case("mean, padded and cut", "pool: AVE kernel_size: 4 stride: 3 pad: 2", (1, 2, 7, 5)),
    case("mean, height and width", "pool: AVE kernel_h: 2 kernel_w: 3 stride_h: 2 stride_w: 1 pad_h: 0 pad_w: 2"),
    case("mean, global", "pool: AVE global_pooling: true"),
    case("mean, large", "pool: AVE kernel_size: 3 stride: 2 pad: 1", (3, 5, 27, 33), gradient=()),
    Case("drawn", 'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 }', [POSITIVE], stochastic=True),
    Case("weighted", 'type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }', [POSITIVE], phase="TEST"),
]  # fmt: skip


def build(options: str, shape: str = "dim: 2 dim: 3 dim: 8 dim: 8", tops: str = 'top: "y"', **more) -> Net:
    text = f"""
    layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ {shape} }} }} }}
    layer {{ name: "p" type: "Pooling" bottom: "x" {tops} pooling_param {{ {options} }} }}"""
    return Net(parse(text, pb.NetParameter(), "net.prototxt"), **more)


WHOLE = "global_pooling takes the whole input as its window; remove "


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "kernel_size is missing; write kernel_size: 2, kernel_h with kernel_w, or global_pooling"),
        ("kernel_size: 2 kernel_h: 2", "kernel_size and kernel_h/kernel_w are given; keep kernel_size, or kernel_h with kernel_w"),
        ("kernel_h: 2", "kernel_h and kernel_w must be given together"),
        ("kernel_size: 2 stride_w: 2", "stride_h and stride_w must be given together"),
        ("kernel_size: 0", "kernel 0×0 and stride 1×1 must be at least 1"),
        ("kernel_size: 2 pad: 2", "pad 2×2 must be smaller than the kernel 2×2, or a window could lie in the padding alone"),
        ("kernel_size: 2 pad: 1 pool: STOCHASTIC", "pad 1×1: STOCHASTIC pooling takes no padding; remove it, or use MAX or AVE"),
        ("global_pooling: true kernel_size: 8", f"{WHOLE}kernel_size"),
        ("global_pooling: true pad: 1", f"{WHOLE}pad"),
        ("global_pooling: true stride: 2", f"{WHOLE}stride"),
        ("kernel_size: 9", "the kernel is 9 high, but bottom 'x' only 8"),
        ("kernel_h: 3 kernel_w: 11 pad: 1", "the kernel is 11 wide, but bottom 'x' only 8 + 2 × 1 padding"),
        ("kernel_size: 1 stride: 4 pool: AVE", "the last window would lie behind the end of bottom 'x' (8 positions, kernel 1, stride 4), so it would hold nothing; write round_mode: FLOOR, or a stride up to the kernel"),
    ],
)  # fmt: skip
def test_bad_options(options, message):
    with pytest.raises(LayerError) as error:
        build(options)
    assert str(error.value) == f"layer 'p' (Pooling), net.prototxt:3: {message}"


def test_two_axes_are_too_few():
    with pytest.raises(LayerError, match="bottom 'x' has shape 2×3; wanted 4 axes"):
        build("kernel_size: 1", "dim: 2 dim: 3")


def test_places_need_max():
    with pytest.raises(LayerError, match="a second top holds the places of the largest values, so it needs pool: MAX"):
        build("kernel_size: 2 pool: AVE", tops='top: "y" top: "z"')


def test_values_are_drawn_in_proportion_to_their_size():
    shape = "dim: 40 dim: 50 dim: 2 dim: 2"
    net = build("pool: STOCHASTIC kernel_size: 2", shape, phase=pb.TRAIN, backend=CpuBackend(), seed=5)
    net.blobs["x"].data[...] = np.array([[1, 2], [3, 4]])
    counts = np.zeros(5)
    for _ in range(5):
        net.forward()
        counts += np.bincount(net.blobs["y"].data.astype(int).ravel(), minlength=5)
    # 10,000 draws; the largest of the deviations from p is sqrt(0.4 * 0.6 / 10000) = 0.005
    assert np.abs(counts / counts.sum() - np.arange(5) / 10).max() < 0.02


def test_a_window_of_zeros_draws_a_zero_and_is_weighted_zero():
    for phase in (pb.TRAIN, pb.TEST):
        net = build("pool: STOCHASTIC kernel_size: 2 stride: 2", phase=phase, backend=Backend())
        net.blobs["x"].data[...] = 0
        net.forward()
        assert (net.blobs["y"].data == 0).all()
