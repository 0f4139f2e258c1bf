"""Winograd's convolution computes what the plain one does, and is chosen where it is faster."""

import numpy as np
import pytest

from cafpy.backend import CpuBackend
from cafpy.ops import winograd, winograd_by_output, winograd_choice
from cafpy.ops.convolution import ByDirection, convolution
from cafpy.ops.convolution_blocked import BlockedConvolution
from cafpy.ops.convolution_geometry import Geometry
from cafpy.ops.convolution_plain import PlainConvolution
from cafpy.ops.winograd import WinogradConvolution
from cafpy.ops.winograd_by_output import WinogradByOutput
from cafpy.ops.winograd_choice import Directions, winograd_applies, winograd_pays

SINGLE = np.dtype(np.float32)
PLANS = [WinogradConvolution, WinogradByOutput]


def geometry(images, channels, outputs, size, pad=(1, 1), kernel=3, stride=1, dilation=1, group=1):
    return Geometry(images, channels, outputs, group, size, (kernel,) * 2, (stride,) * 2, pad, (dilation,) * 2)


GEOMETRIES = {
    "one window": geometry(1, 3, 5, (3, 3), (0, 0)),
    "one tile": geometry(1, 3, 5, (6, 6), (0, 0)),
    "one pixel": geometry(2, 3, 5, (1, 1)),
    "7x7": geometry(5, 8, 12, (7, 7)),
    "14x14": geometry(3, 17, 15, (14, 14)),
    "no pad": geometry(2, 4, 6, (13, 15), (0, 0)),
    "pad 2": geometry(2, 4, 6, (13, 15), (2, 2)),
    "each axis its pad": geometry(2, 4, 6, (8, 11), (2, 0)),
    "other axis its pad": geometry(2, 4, 6, (9, 10), (0, 1)),
    "many tiles a row": geometry(2, 3, 2, (5, 301)),
    "several blocks": geometry(3, 6, 5, (33, 45)),
    "a short last block": geometry(7, 4, 3, (20, 70), (0, 0)),
    "one map": geometry(4, 1, 1, (12, 12)),
    "long sums": geometry(1, 512, 64, (8, 8)),
    "many images": geometry(70, 2, 3, (4, 4)),
}


def run(plan, g, dtype=SINGLE):
    """All directions, on memory that holds NaN where the plan must overwrite and ones where it must add."""
    rng = np.random.default_rng(0)

    def draw(*shape):
        return rng.standard_normal(shape, np.float32).astype(dtype)

    x, dy = draw(g.images, g.channels, *g.size), draw(g.images, g.outputs, *g.windows)
    weight, bias, other = draw(g.outputs, g.channels, 3, 3), draw(g.outputs), draw(g.channels)
    results = {name: np.full_like(dy, np.nan) for name in ("y", "y without bias")}
    results |= {name: np.full_like(x, np.nan) for name in ("dx", "dx with bias")}
    results["dweight"] = np.ones_like(weight)
    plan.forward(x, weight, bias, results["y"])
    plan.forward(x, weight, None, results["y without bias"])
    plan.backward_data(dy, weight, None, results["dx"])
    plan.backward_data(dy, weight, other, results["dx with bias"])
    plan.backward_weight(x, dy, results["dweight"])
    return results


@pytest.fixture
def on_threads(monkeypatch):
    """Plans are made for so many threads."""
    return lambda threads: monkeypatch.setattr(winograd.numba, "get_num_threads", lambda: threads)


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("name", GEOMETRIES)
def test_off_by_at_most_2e_5_of_the_largest(name, plan, on_threads):
    g = GEOMETRIES[name]
    exact = run(PlainConvolution(np, g, np.dtype(np.float64)), g, np.float64)
    for threads in (1, 3, 4):
        on_threads(threads)
        for what, values in run(plan(g, SINGLE), g).items():
            largest = np.abs(exact[what]).max()
            np.testing.assert_allclose(values, exact[what], rtol=0, atol=2e-5 * largest, err_msg=what)


@pytest.mark.parametrize("room", [0, 1 << 30])
def test_weights_summed_in_one_array_or_in_many(room, on_threads, monkeypatch):
    monkeypatch.setattr(winograd, "SUMS", room)
    on_threads(4)
    g = GEOMETRIES["several blocks"]
    plan = WinogradConvolution(g, SINGLE)
    assert plan.forward_blocks.numbers[-1] == (4 if room else 1)
    expected = run(PlainConvolution(np, g, SINGLE), g)["dweight"]
    np.testing.assert_allclose(run(plan, g)["dweight"], expected, rtol=0, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("at_once", [1, 3, 4])
def test_outputs_at_a_time(at_once, on_threads, monkeypatch):
    monkeypatch.setattr(winograd_by_output, "OUTPUTS", at_once)
    on_threads(2)
    g = GEOMETRIES["14x14"]
    expected = run(PlainConvolution(np, g, SINGLE), g)
    for what, values in run(WinogradByOutput(g, SINGLE), g).items():
        np.testing.assert_allclose(
            values, expected[what], rtol=0, atol=2e-5 * np.abs(expected[what]).max(), err_msg=what
        )


@pytest.mark.parametrize("plan", PLANS)
def test_the_same_bits_every_time(plan, on_threads):
    on_threads(3)
    first, second = (run(plan(g, SINGLE), g) for g in [GEOMETRIES["several blocks"]] * 2)
    for what, values in first.items():
        np.testing.assert_array_equal(values, second[what], err_msg=what)


@pytest.mark.parametrize("plan", PLANS)
def test_nan_stays_in_its_image_and_tiles(plan):
    g = geometry(2, 2, 3, (16, 16))
    x = np.zeros((2, 2, 16, 16), np.float32)
    x[0, 1, 9, 9] = np.nan
    y = np.empty((2, 3, 16, 16), np.float32)
    plan(g, SINGLE).forward(x, np.ones((3, 2, 3, 3), np.float32), None, y)
    touched = np.zeros(y.shape, bool)
    touched[0, :, 8:12, 8:12] = True  # no other tile of outputs sees that pixel
    np.testing.assert_array_equal(np.isnan(y), touched)


def test_where_it_applies():
    def applies(dtype=SINGLE, **other):
        return winograd_applies(geometry(8, 64, 64, (56, 56), **other), dtype)

    assert applies()
    assert applies(pad=(0, 2))
    assert not applies(np.dtype(np.float64))
    assert not applies(pad=(1, 3))
    assert not applies(kernel=5)
    assert not applies(stride=2)
    assert not applies(dilation=2)
    assert not applies(group=2)


def test_where_it_pays():
    large = geometry(8, 64, 64, (56, 56))
    assert all(winograd_pays(large, SINGLE))
    assert not any(winograd_pays(large, np.dtype(np.float64)))
    assert not any(winograd_pays(geometry(8, 3, 64, (56, 56)), SINGLE))  # moves more than it computes
    assert not any(winograd_pays(geometry(1, 64, 64, (14, 14)), SINGLE))  # too little to do
    assert not any(winograd_pays(geometry(1, 512, 512, (7, 7)), SINGLE))  # transforms more weights than tiles


def test_choice(monkeypatch):
    g = geometry(8, 64, 64, (56, 56))
    assert type(convolution(CpuBackend(), g, SINGLE)) is WinogradConvolution
    assert type(convolution(CpuBackend(), geometry(8, 512, 512, (7, 7)), SINGLE)) is WinogradByOutput
    assert type(convolution(CpuBackend(winograd=False), g, SINGLE)) is BlockedConvolution
    assert type(convolution(CpuBackend(), g, np.dtype(np.float64))) is BlockedConvolution
    monkeypatch.setattr("cafpy.ops.convolution.winograd_pays", lambda g, dtype: Directions(True, False, True))
    plan = convolution(CpuBackend(), g, SINGLE)
    assert type(plan) is ByDirection
    directions = ("forward", "backward_data", "backward_weight")
    owners = [type(getattr(plan, name).__self__) for name in directions]
    assert owners == [WinogradConvolution, BlockedConvolution, WinogradConvolution]


def test_each_direction_has_its_price(monkeypatch):
    monkeypatch.setattr(winograd_choice, "FILTERS", (0, 0, 1 << 20))
    assert winograd_pays(geometry(8, 64, 64, (28, 28)), SINGLE) == (True, True, False)
