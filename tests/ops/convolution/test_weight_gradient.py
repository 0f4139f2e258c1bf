"""Gradients of a convolution's weights: right in any geometry, and nothing else is read or written."""

import numpy as np
import pytest

from cafpy.ops.convolution import weight_gradient as convolution_weight_gradient
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.plain import PlainConvolution
from cafpy.ops.convolution.weight_gradient import WeightGradient, fills_blocks
from cafpy.ops.kernel.workspace import workspace

GUARD = 40


def guarded(values):
    """A copy of the array inside a larger one of NaN, and the larger one."""
    around = np.full(values.size + 2 * GUARD, np.nan, np.float32)
    inside = around[GUARD:-GUARD].reshape(values.shape)
    inside[...] = values
    return inside, around


def check(g, threads):
    rng = np.random.default_rng(3)
    x, _ = guarded(rng.standard_normal((g.images, g.channels, *g.size)))
    dy, _ = guarded(rng.standard_normal((g.images, g.outputs, *g.windows)))
    dweight, around = guarded(rng.standard_normal((g.outputs, g.channels // g.group, *g.kernel)))
    want = dweight.astype(np.float64)
    PlainConvolution(np, g, np.dtype(np.float64)).backward_weight(x.astype(np.float64), dy.astype(np.float64), want)
    plan = WeightGradient(g, threads)
    workspace(1 << 22, np.dtype(np.float32))[...] = np.nan
    plan(x, dy, dweight)
    np.testing.assert_allclose(dweight, want, rtol=0, atol=1e-5 * np.abs(want).max(), err_msg=f"{g}, {threads} threads")
    assert np.isnan(around[:GUARD]).all() and np.isnan(around[-GUARD:]).all()
    return plan


def some(rng):
    """A geometry with odd numbers everywhere."""
    group = int(rng.choice([1, 1, 2, 3]))
    kernel, stride, dilation = (tuple(int(n) for n in rng.integers(1, most, 2)) for most in (5, 4, 3))
    pad = tuple(int(n) for n in rng.integers(0, 4, 2) * rng.integers(0, 2))
    size = tuple(
        max(1, d * (k - 1) + 1 - 2 * p) + int(n)
        for k, d, p, n in zip(kernel, dilation, pad, rng.integers(0, 30, 2), strict=True)
    )
    channels, outputs = group * int(rng.integers(1, 20)), group * int(rng.integers(1, 70))
    return Geometry(int(rng.integers(1, 6)), channels, outputs, group, size, kernel, stride, pad, dilation)


@pytest.mark.parametrize("seed", range(60))
def test_any_geometry(seed):
    g = some(np.random.default_rng(seed))
    for threads in (1, 2, 3):
        check(g, threads)


@pytest.mark.parametrize("pad", [0, 1])
@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("room", [0, 1 << 30])
def test_blocks_maps_and_teams(room, kernel, pad, monkeypatch):
    """Sums of one team and of several, maps that do not fit into the cache at once, a last block that is smaller."""
    monkeypatch.setattr(convolution_weight_gradient, "SUMS", room)
    monkeypatch.setattr(convolution_weight_gradient, "COPIES", 3000)
    for images, size, group in ((5, (9, 11), 1), (1, (30, 21), 2), (37, (4, 4), 1)):
        g = Geometry(images, 22, 38, group, size, (kernel,) * 2, (1, 1), (pad,) * 2, (1, 1))
        plan = check(g, 2)
        assert plan.slots == (2 if room else 1)


@pytest.mark.parametrize("kernel", [1, 3])
def test_maps_one_column_wide(kernel):
    check(Geometry(3, 6, 20, 1, (300, 1), (kernel, 1), (2, 1), (1, 0), (2, 1)), 2)


def test_the_same_bits_every_time():
    g = Geometry(6, 8, 24, 1, (13, 15), (3, 3), (1, 1), (1, 1), (1, 1))
    rng = np.random.default_rng(4)
    x = rng.standard_normal((g.images, g.channels, *g.size), np.float32)
    dy = rng.standard_normal((g.images, g.outputs, *g.windows), np.float32)
    results = []
    for _ in range(2):
        results.append(np.zeros((g.outputs, g.channels, *g.kernel), np.float32))
        WeightGradient(g, 2)(x, dy, results[-1])
    np.testing.assert_array_equal(*results)


def test_blocks_must_be_filled():
    def g(channels, outputs, group=1):
        return Geometry(1, channels, outputs, group, (9, 9), (3, 3), (1, 1), (1, 1), (1, 1))

    assert fills_blocks(g(3, 32)) and fills_blocks(g(16, 8))
    assert not fills_blocks(g(16, 4)) and fills_blocks(g(1, 28)) and not fills_blocks(g(64, 64, 16))
