"""Winograd's convolution computes what the plain one does, and is chosen where it is faster."""

import numpy as np
import pytest

from cafpy.backend import CpuBackend
from cafpy.ops.convolution.blocked import BlockedConvolution
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.panels import PanelConvolution
from cafpy.ops.convolution.plain import PlainConvolution
from cafpy.ops.convolution.plans import ByDirection, convolution
from cafpy.ops.convolution.winograd import blocks as winograd_blocks
from cafpy.ops.convolution.winograd import by_tile as winograd
from cafpy.ops.convolution.winograd import choice as winograd_choice
from cafpy.ops.convolution.winograd.by_output import WinogradByOutput
from cafpy.ops.convolution.winograd.by_tile import WinogradByTile
from cafpy.ops.convolution.winograd.choice import Directions, winograd_applies, winograd_pays
from cafpy.ops.convolution.winograd.tile_kernels import sum_products

SINGLE = np.dtype(np.float32)
PLANS = [WinogradByTile, WinogradByOutput]


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
    "three panels of outputs": geometry(2, 5, 70, (9, 9)),
    "groups": geometry(2, 12, 8, (9, 14), group=4),
    "groups of several panels": geometry(3, 40, 80, (9, 6), group=2),
    "5x5, one window": geometry(1, 3, 5, (5, 5), (0, 0), 5),
    "5x5, one pixel": geometry(2, 3, 5, (1, 1), (2, 2), 5),
    "5x5": geometry(3, 17, 15, (14, 13), (2, 2), 5),
    "5x5, no pad": geometry(2, 20, 50, (12, 12), (0, 0), 5),
    "5x5, each axis its pad": geometry(2, 4, 6, (8, 11), (4, 1), 5),
    "5x5, groups": geometry(2, 34, 18, (11, 10), (2, 2), 5, group=2),
}


def run(plan, g, dtype=SINGLE):
    """All directions, on memory that holds NaN where the plan must overwrite and ones where it must add."""
    rng = np.random.default_rng(0)

    def draw(*shape):
        return rng.standard_normal(shape, np.float32).astype(dtype)

    x, dy = draw(g.images, g.channels, *g.size), draw(g.images, g.outputs, *g.windows)
    weight = draw(g.outputs, g.channels // g.group, *g.kernel)
    bias, other = draw(g.outputs), draw(g.channels)
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
    return lambda threads: monkeypatch.setattr(winograd_blocks.numba, "get_num_threads", lambda: threads)


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
    slots = []
    monkeypatch.setattr(winograd, "sum_products", lambda *args: slots.append(args[1][-1]) or sum_products(*args))
    on_threads(4)
    g = GEOMETRIES["several blocks"]
    expected = run(PlainConvolution(np, g, SINGLE), g)["dweight"]
    values = run(WinogradByTile(g, SINGLE), g)["dweight"]
    assert slots == [4 if room else 1]
    np.testing.assert_allclose(values, expected, rtol=0, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("tiles", [1, 20])
def test_blocks_of_any_size(tiles, plan, on_threads, monkeypatch):
    monkeypatch.setattr(winograd_blocks, "MOST", tiles)
    on_threads(2)
    for name in ("7x7", "14x14", "5x5"):
        g = GEOMETRIES[name]
        expected = run(PlainConvolution(np, g, SINGLE), g)
        for what, values in run(plan(g, SINGLE), g).items():
            largest = np.abs(expected[what]).max()
            np.testing.assert_allclose(values, expected[what], rtol=0, atol=2e-5 * largest, err_msg=what)


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("name", ["14x14", "5x5, groups"])
def test_nothing_is_touched_that_is_not_theirs(name, plan, on_threads):
    """NaN around the arrays is neither read nor overwritten."""
    on_threads(2)
    g, guards = GEOMETRIES[name], []

    def guarded(values):
        room = np.full(values.size + 64, np.nan, np.float32)
        room[32:-32] = values.reshape(-1)
        guards.append(room)
        return room[32:-32].reshape(values.shape)

    rng = np.random.default_rng(0)
    x, dy = (
        guarded(rng.standard_normal(s)) for s in ((g.images, g.channels, *g.size), (g.images, g.outputs, *g.windows))
    )
    weight = guarded(rng.standard_normal((g.outputs, g.channels // g.group, *g.kernel)))
    bias, y, dx, dweight = (guarded(np.zeros(s)) for s in (g.outputs, dy.shape, x.shape, weight.shape))
    winograd_plan = plan(g, SINGLE)
    winograd_plan.forward(x, weight, bias, y)
    winograd_plan.backward_data(dy, weight, None, dx)
    winograd_plan.backward_weight(x, dy, dweight)
    for room in guards:
        assert np.isnan(room[:32]).all() and np.isnan(room[-32:]).all() and not np.isnan(room[32:-32]).any()


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
    assert applies(group=2)
    assert applies(kernel=5)
    assert applies(kernel=5, pad=(4, 3))
    assert not applies(np.dtype(np.float64))
    assert not applies(pad=(1, 3))
    assert not applies(kernel=4)
    assert not applies(kernel=7)
    assert not applies(stride=2)
    assert not applies(dilation=2)


EXACT = ("exact",) * 3


def test_where_it_pays():
    large = geometry(8, 64, 64, (56, 56))
    assert winograd_pays(large, SINGLE) == ("tiles",) * 3
    assert winograd_pays(large, np.dtype(np.float64)) == EXACT
    assert winograd_pays(geometry(8, 3, 64, (56, 56)), SINGLE).forward == "exact"  # moves more than it computes
    assert winograd_pays(geometry(1, 16, 16, (14, 14)), SINGLE) == EXACT  # too little to do
    assert winograd_pays(geometry(64, 20, 50, (12, 12), (0, 0), 5), SINGLE) == EXACT  # LeNet's: small images
    assert winograd_pays(geometry(1, 512, 512, (7, 7)), SINGLE) == EXACT  # transforms more weights than tiles
    assert winograd_pays(geometry(8, 256, 256, (14, 14)), SINGLE) == ("outputs",) * 3  # few tiles, many weights
    assert winograd_pays(geometry(8, 128, 128, (28, 28)), SINGLE) == ("tiles", "tiles", "outputs")
    assert winograd_pays(geometry(100, 32, 32, (16, 16), (2, 2), 5), SINGLE) == ("tiles",) * 3


def test_choice(monkeypatch):
    g = geometry(8, 64, 64, (56, 56))
    assert type(convolution(CpuBackend(), g, SINGLE)) is WinogradByTile
    assert type(convolution(CpuBackend(), geometry(8, 512, 512, (7, 7)), SINGLE)) is WinogradByOutput
    assert type(convolution(CpuBackend(winograd=False), g, SINGLE)) is PanelConvolution
    assert type(convolution(CpuBackend(), g, np.dtype(np.float64))) is BlockedConvolution
    ways = Directions("tiles", "exact", "outputs")
    monkeypatch.setattr("cafpy.ops.convolution.plans.winograd_pays", lambda g, dtype: ways)
    plan = convolution(CpuBackend(), g, SINGLE)
    assert type(plan) is ByDirection
    directions = ("forward", "backward_data", "backward_weight")
    owners = [type(getattr(plan, name).__self__) for name in directions]
    assert owners == [WinogradByTile, PanelConvolution, WinogradByOutput]


def test_each_direction_has_its_price(monkeypatch):
    monkeypatch.setattr(winograd_choice, "FILTERS_BY_OUTPUT", 1 << 20)
    assert winograd_pays(geometry(8, 128, 128, (28, 28)), SINGLE) == ("tiles", "tiles", "exact")
