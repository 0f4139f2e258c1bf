"""Convolution: the CPU's plans compute what the plain one does, in every geometry and on any number of threads."""

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.ops.convolution import bias as convolution_bias
from cafpy.ops.convolution import blocked as convolution_blocked
from cafpy.ops.convolution import depthwise as convolution_depthwise
from cafpy.ops.convolution import depthwise_3x3 as convolution_depthwise_3x3
from cafpy.ops.convolution import depthwise_maps as convolution_depthwise_maps
from cafpy.ops.convolution import panel_gradient as convolution_panel_gradient
from cafpy.ops.convolution import panel_plan as convolution_panel_plan
from cafpy.ops.convolution.bias import add_bias_gradient
from cafpy.ops.convolution.blocked import BlockedConvolution
from cafpy.ops.convolution.depthwise import DepthwiseConvolution
from cafpy.ops.convolution.depthwise_3x3 import DepthwiseConvolution3x3
from cafpy.ops.convolution.depthwise_maps import DepthwiseConvolutionOfMaps
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.panels import PanelConvolution, gradient_geometry
from cafpy.ops.convolution.plain import PlainConvolution
from cafpy.ops.convolution.plans import backward, convolution


def geometry(images, channels, outputs, size, kernel, stride=1, pad=0, dilation=1, group=1):
    def each(value):
        return value if isinstance(value, tuple) else (value,) * len(size)

    return Geometry(images, channels, outputs, group, size, each(kernel), each(stride), each(pad), each(dilation))


GEOMETRIES = {
    "lenet 1": geometry(3, 1, 20, (28, 28), 5),
    "lenet 2": geometry(3, 20, 50, (12, 12), 5),
    "11x11 stride 4": geometry(2, 3, 8, (41, 37), 11, 4),
    "7x7 stride 2 pad 3": geometry(2, 3, 8, (33, 35), 7, 2, 3),
    "3x3 pad 1": geometry(2, 8, 12, (13, 15), 3, 1, 1),
    "stride 3": geometry(2, 4, 6, (15, 13), 3, 3, 2),
    "stride 2 dilation 2": geometry(2, 4, 6, (17, 19), 3, 2, 2, 2),
    "stride 2 dilation 3": geometry(2, 4, 6, (17, 19), 3, 2, 3, 3),
    "every axis its own": geometry(2, 4, 6, (17, 19), (2, 3), (3, 2), (1, 2), (2, 1)),
    "stride beyond the kernel": geometry(2, 3, 4, (6, 7), 2, 3),
    "more pad than image": geometry(1, 3, 2, (3, 4), 5, 1, 4),
    "1x1": geometry(5, 16, 8, (9, 9), 1),
    "1x1 stride 2": geometry(2, 8, 8, (16, 16), 1, 2),
    "1x1 on pixels": geometry(70, 16, 8, (1, 1), 1),
    "tiny maps": geometry(7, 16, 8, (3, 3), 3, 1, 1),
    "one image": geometry(1, 16, 24, (14, 14), 3, 1, 1),
    "wide": geometry(2, 3, 5, (40, 200), 3, 1, 1),
    "several blocks an image": geometry(1, 64, 16, (60, 40), 3, 1, 1),
    "group": geometry(3, 4, 6, (15, 13), 3, 1, 1, group=2),
    "group 1x1": geometry(3, 6, 6, (10, 10), 1, group=3),
    "few in a group": geometry(2, 6, 12, (9, 8), 3, 1, 1, group=3),
    "depthwise": geometry(3, 5, 5, (14, 15), 3, 1, 1, group=5),
    "depthwise stride 2": geometry(2, 5, 10, (14, 15), 3, 2, 1, group=5),
    "depthwise 5x5 stride 3 dilation 2": geometry(3, 5, 15, (14, 40), 5, 3, 2, 2, group=5),
    "depthwise on large maps": geometry(2, 2, 2, (130, 70), 3, 1, 1, group=2),
    "depthwise 7x7 maps": geometry(3, 5, 5, (7, 7), 3, 1, 1, group=5),
    "depthwise of few pixels": geometry(2, 3, 3, (2, 1), 3, 2, 1, group=3),
    "depthwise without pad": geometry(2, 3, 3, (17, 35), 3, 1, group=3),
    "depthwise pad of rows": geometry(2, 3, 3, (40, 18), 3, 1, (1, 0), group=3),
    "depthwise stride 2 of odd": geometry(2, 3, 3, (15, 33), 3, 2, 1, group=3),
    "depthwise stride 2 without pad": geometry(2, 3, 3, (16, 32), 3, 2, group=3),
    "depthwise stride 2 pad of columns": geometry(2, 3, 3, (41, 19), 3, 2, (0, 1), group=3),
    "depthwise stride 2 in blocks": geometry(1, 2, 2, (60, 130), 3, 2, 1, group=2),
    "depthwise of very wide maps": geometry(1, 2, 2, (9, 1500), 3, 2, 1, group=2),
    "depthwise of many small maps": geometry(3, 37, 37, (7, 5), 3, 1, 1, group=37),
    "depthwise of many small maps, stride 2": geometry(2, 33, 33, (13, 14), 3, 2, 1, group=33),
    "depthwise of many small maps, stride 3, pad 2": geometry(2, 16, 16, (9, 8), 3, 3, 2, group=16),
    "depthwise of many small maps, dilation 2": geometry(2, 18, 18, (10, 9), 3, 2, (3, 0), 2, group=18),
    "3 images of one window": geometry(3, 40, 9, (3, 4), (3, 4)),
    "images in one panel": geometry(40, 7, 20, (2, 3), 1),
    "1x1 of many maps": geometry(3, 1100, 13, (5, 5), 1),
    "1x1, maps of whole panels": geometry(2, 70, 33, (8, 8), 1),
    "1x1 stride 3 of odd": geometry(3, 5, 17, (13, 11), 1, 3),
    "1x1 with pad": geometry(2, 5, 17, (6, 7), 1, 1, 1),
    "3x3 of many maps and images": geometry(5, 130, 21, (7, 7), 3, 1, 1),
    "group 1x1 of many outputs": geometry(2, 20, 90, (7, 9), 1, group=2),
    "few windows, many outputs": geometry(1, 12, 100, (4, 5), 3, 1, 1),
    "1x1 of crowded weights": geometry(2, 256, 48, (7, 7), 1),
    "stride 2 of crowded weights": geometry(8, 512, 32, (6, 6), 1, 2, group=2),
    "stride of rows alone": geometry(2, 3, 20, (17, 18), 3, (2, 1)),
    "one axis": geometry(2, 3, 4, (19,), 3, 2, 1),
    "no axis": geometry(9, 3, 4, (), ()),
    "three axes": geometry(2, 4, 4, (5, 6, 7), 3, 2, 1, group=2),
}


def run(plan, backend, g, dtype):
    """All directions, on memory that holds NaN where the plan must overwrite and ones where it must add."""
    rng = np.random.default_rng(0)

    def draw(*shape):
        return rng.standard_normal(shape).astype(dtype)

    x, dy = draw(g.images, g.channels, *g.size), draw(g.images, g.outputs, *g.windows)
    weight, bias = draw(g.outputs, g.channels // g.group, *g.kernel), draw(g.outputs)
    results = {name: np.full_like(dy, np.nan) for name in ("y", "y without bias")}
    results |= {name: np.full_like(x, np.nan) for name in ("dx", "dx with bias")}
    results |= {"dweight": np.ones_like(weight), "dbias": np.ones_like(bias)}
    plan.forward(x, weight, bias, results["y"])
    plan.forward(x, weight, None, results["y without bias"])
    plan.backward_data(dy, weight, None, results["dx"])
    plan.backward_data(dy, weight, draw(g.channels), results["dx with bias"])
    plan.backward_weight(x, dy, results["dweight"])
    results |= {"dx of both": np.full_like(x, np.nan), "dweight of both": np.ones_like(weight)}
    backward(plan, x, dy, weight, results["dweight of both"], results["dx of both"])
    add_bias_gradient(backend, dy.reshape(g.images, g.outputs, g.places), results["dbias"])
    return results


@pytest.fixture
def on_threads(monkeypatch):
    """Plans for any amount of work are made for so many threads."""

    def use(threads):
        for module in (
            convolution_blocked,
            convolution_panel_plan,
            convolution_panel_gradient,
            convolution_depthwise,
            convolution_depthwise_3x3,
            convolution_depthwise_maps,
            convolution_bias,
        ):
            monkeypatch.setattr(module, "SERIAL", 0)
            monkeypatch.setattr(module.numba, "get_num_threads", lambda: threads)

    return use


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_fast_is_plain(name, dtype, on_threads):
    g = GEOMETRIES[name]
    plain = run(PlainConvolution(np, g, dtype), Backend(), g, dtype)
    for threads in (1, 3, 4):
        on_threads(threads)
        fast = run(convolution(CpuBackend(), g, np.dtype(dtype)), CpuBackend(), g, dtype)
        for what, expected in plain.items():
            tolerance = 2e-5 if dtype is np.float32 else 1e-12
            np.testing.assert_allclose(
                fast[what], expected, rtol=0, atol=tolerance * (0.01 + np.abs(expected).max()), err_msg=what
            )


def test_plain_gradients():
    """The gradients fit y: <y, dy> = <x, dx> = <weight, dweight>; that y itself is right, the layer's tests say."""
    for g in GEOMETRIES.values():
        rng = np.random.default_rng(1)
        x, dy = (
            rng.standard_normal((g.images, g.channels, *g.size)),
            rng.standard_normal((g.images, g.outputs, *g.windows)),
        )
        weight = rng.standard_normal((g.outputs, g.channels // g.group, *g.kernel))
        y, dx, dweight = np.empty_like(dy), np.empty_like(x), np.zeros_like(weight)
        plan = PlainConvolution(np, g, np.float64)
        plan.forward(x, weight, None, y)
        plan.backward_data(dy, weight, None, dx)
        plan.backward_weight(x, dy, dweight)
        np.testing.assert_allclose([(x * dx).sum(), (weight * dweight).sum()], (y * dy).sum(), rtol=1e-9)


@pytest.mark.parametrize("name", ["3x3 pad 1", "group", "several blocks an image", "tiny maps"])
@pytest.mark.parametrize("room", [0, 1 << 30])
def test_weights_summed_in_one_array_or_in_many(name, room, on_threads, monkeypatch):
    monkeypatch.setattr(convolution_blocked, "SUMS", room)
    on_threads(4)
    g = GEOMETRIES[name]
    plan = BlockedConvolution(g, np.dtype(np.float64))
    assert (plan.slots > 1) == (room > 0)
    expected = run(PlainConvolution(np, g, np.float64), Backend(), g, np.float64)["dweight"]
    np.testing.assert_allclose(run(plan, CpuBackend(), g, np.float64)["dweight"], expected, atol=1e-10)


def test_the_same_bits_every_time(on_threads):
    on_threads(3)
    g = GEOMETRIES["lenet 2"]
    first, second = (run(PanelConvolution(g, np.dtype(np.float32)), CpuBackend(), g, np.float32) for _ in range(2))
    for what, values in first.items():
        np.testing.assert_array_equal(values, second[what], err_msg=what)


def test_the_images_gradient_is_a_convolution_where_that_is_less_work():
    def way(*args, **options):
        return gradient_geometry(geometry(*args, **options))

    assert way(2, 32, 32, (16, 16), 5, 1, 2) == geometry(2, 32, 32, (16, 16), 5, 1, 2)
    assert way(2, 256, 64, (9, 9), 1) == geometry(2, 64, 256, (9, 9), 1)
    assert way(2, 6, 8, (9, 9), 1, group=2) == geometry(2, 8, 6, (9, 9), 1, group=2)
    assert way(2, 64, 64, (28, 28), 3, 1, (1, 0)) == geometry(2, 64, 64, (28, 26), 3, 1, (1, 2))
    assert way(2, 20, 50, (12, 12), 5) is None  # most of its windows would be pad
    assert way(2, 3, 64, (32, 32), 3, 1, 1) is None  # few maps to copy windows for
    assert way(2, 64, 64, (14, 14), 3, 2, 1) is None
    assert way(2, 64, 64, (14, 14), 1, 1, 1) is None  # its pad would be negative


@pytest.mark.parametrize("name", [name for name, g in GEOMETRIES.items() if len(g.size) == 2])
def test_panels_touch_only_what_is_theirs(name, on_threads):
    """NaN around all operands, and nothing written around y."""
    g, rng = GEOMETRIES[name], np.random.default_rng(2)

    def amid_nan(*shape):
        size = int(np.prod(shape))
        around = np.full(size + 200, np.nan, np.float32)
        array = around[100 : 100 + size].reshape(shape)
        array[...] = rng.standard_normal(shape)
        return around, array

    x, weight = amid_nan(g.images, g.channels, *g.size)[1], amid_nan(g.outputs, g.channels // g.group, *g.kernel)[1]
    bias, (around, y) = amid_nan(g.outputs)[1], amid_nan(g.images, g.outputs, *g.windows)
    want = np.empty_like(y)
    PlainConvolution(np, g, np.float32).forward(x, weight, bias, want)
    for threads in (1, 2):
        on_threads(threads)
        y[...] = np.nan
        PanelConvolution(g, np.dtype(np.float32)).forward(x, weight, bias, y)
        np.testing.assert_allclose(y, want, rtol=0, atol=2e-5 * np.abs(want).max())
        assert np.isnan(around[:100]).all() and np.isnan(around[-100:]).all()


def test_no_images():
    g = geometry(0, 3, 4, (5, 5), 3)
    results = run(convolution(CpuBackend(), g, np.dtype(np.float32)), CpuBackend(), g, np.float32)
    assert results["y"].shape == (0, 4, 3, 3)
    np.testing.assert_array_equal(results["dweight"], 1)
    np.testing.assert_array_equal(results["dbias"], 1)


def test_choice():
    def kind(g):
        return type(convolution(CpuBackend(), g, np.dtype(np.float32)))

    assert kind(GEOMETRIES["depthwise stride 2"]) is DepthwiseConvolution
    assert kind(GEOMETRIES["depthwise"]) is DepthwiseConvolution3x3
    assert kind(GEOMETRIES["depthwise of many small maps"]) is DepthwiseConvolutionOfMaps
    assert kind(geometry(2, 32, 32, (56, 56), 3, 1, 1, group=32)) is DepthwiseConvolution3x3  # many pixels
    assert kind(GEOMETRIES["group"]) is PanelConvolution
    assert kind(geometry(1, 4, 64, (5, 5), 3, group=4)) is PanelConvolution  # many outputs a map
    assert kind(geometry(1, 1, 1, (5, 5), 3)) is PanelConvolution
    assert type(convolution(CpuBackend(), GEOMETRIES["group"], np.dtype(np.float64))) is BlockedConvolution
    assert kind(GEOMETRIES["three axes"]) is PlainConvolution


def test_nan_stays_where_it_belongs():
    """A chunk reads beyond a row; what it finds there must not count."""
    for g in (geometry(2, 3, 3, (9, 9), 3, 1, 1, group=3), geometry(2, 3, 4, (9, 9), 3, 1, 1)):
        plan = convolution(CpuBackend(), g, np.dtype(np.float32))
        x = np.zeros((2, 3, 9, 9), np.float32)
        x[0, 1, 4, 8] = np.nan
        y = np.empty((2, g.outputs, 9, 9), np.float32)
        plan.forward(x, np.ones((g.outputs, 3 // g.group, 3, 3), np.float32), None, y)
        touched = np.zeros((2, g.outputs, 9, 9), bool)
        touched[0, 1 if g.group == 3 else slice(None), 3:6, 7:] = True
        np.testing.assert_array_equal(np.isnan(y), touched)
