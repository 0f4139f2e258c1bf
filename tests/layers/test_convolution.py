"""Convolution: every option against its meaning, and what it refuses."""

import numpy as np
import pytest

from cafpy.backend import CpuBackend
from cafpy.testing.case import Case, build

X = (2, 4, 7, 6)


def layer(options: str) -> str:
    return (
        f'type: "Convolution" convolution_param {{ {options} weight_filler {{ type: "gaussian" std: 0.5 }} '
        'bias_filler { type: "gaussian" } }'
    )


CASES = [
    Case("3x3", layer("num_output: 5 kernel_size: 3"), [X]),
    Case("pad and stride", layer("num_output: 3 kernel_size: 3 pad: 1 stride: 2"), [X]),
    Case("stride 3", layer("num_output: 3 kernel_size: 2 stride: 3"), [X]),
    Case("dilation", layer("num_output: 3 kernel_size: 3 pad: 2 dilation: 2"), [X]),
    Case("1x1", layer("num_output: 3 kernel_size: 1"), [X]),
    Case("1x1 on large maps", layer("num_output: 6 kernel_size: 1 group: 2"), [(2, 4, 12, 9)]),
    Case("1x1, stride 2", layer("num_output: 3 kernel_size: 1 stride: 2"), [X]),
    Case("7x7", layer("num_output: 2 kernel_size: 7 stride: 2 pad: 3"), [(1, 3, 11, 9)]),
    Case("h and w", layer("num_output: 3 kernel_h: 3 kernel_w: 2 pad_h: 1 pad_w: 0 stride_h: 2 stride_w: 1"), [X]),
    Case("pad_w alone", layer("num_output: 3 kernel_size: 3 pad_w: 2"), [X]),
    Case("once an axis", layer("num_output: 3 kernel_size: 2 kernel_size: 3 pad: 0 pad: 1 dilation: 2"), [X]),
    Case("group", layer("num_output: 6 kernel_size: 3 group: 2"), [X]),
    Case("depthwise", layer("num_output: 4 kernel_size: 3 pad: 1 group: 4"), [X]),
    Case("depthwise, two a map", layer("num_output: 8 kernel_size: 3 stride: 2 dilation: 2 pad: 2 group: 4"), [X]),
    Case("no bias", layer("num_output: 3 kernel_size: 3 bias_term: false"), [X]),
    Case("one image", layer("num_output: 3 kernel_size: 5 pad: 2"), [(1, 1, 9, 8)]),
    Case("many small maps", layer("num_output: 5 kernel_size: 3 pad: 1"), [(9, 3, 3, 2)]),
    Case("two bottoms", layer("num_output: 3 kernel_size: 3"), [X, X], tops=2),
    Case("no spatial axis", layer("num_output: 3 kernel_size: 1"), [(5, 4)]),
    Case("one spatial axis", layer("num_output: 3 kernel_size: 3 stride: 2 pad: 1"), [(2, 4, 9)]),
    Case("three spatial axes", layer("num_output: 4 kernel_size: 2 stride: 2 pad: 1 group: 2"), [(2, 2, 3, 4, 5)]),
    Case("axis 2", layer("num_output: 3 kernel_size: 2 axis: 2"), [(2, 2, 4, 5, 3)]),
    Case("axis -2", layer("num_output: 3 kernel_size: 2 axis: -2"), [(2, 2, 4, 5)]),
    Case("engine", layer("num_output: 2 kernel_size: 3 engine: CUDNN force_nd_im2col: true"), [X]),
]  # fmt: skip


def by_definition(x, weight, bias, stride, pad, dilation):
    """One sum an output pixel."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    size = dilation * (weight.shape[2] - 1) + 1
    rows, columns = ((n - size) // stride + 1 for n in x.shape[2:])
    y = np.empty((len(x), len(weight), rows, columns))
    for i in range(rows):
        for j in range(columns):
            window = x[:, :, i * stride :, j * stride :][:, :, :size:dilation, :size:dilation]
            y[:, :, i, j] = np.einsum("nchw,kchw->nk", window, weight) + bias
    return y


@pytest.mark.parametrize(("stride", "pad", "dilation"), [(1, 0, 1), (2, 1, 1), (3, 2, 2)])
def test_definition(stride, pad, dilation):
    options = f"num_output: 5 kernel_size: 3 stride: {stride} pad: {pad} dilation: {dilation}"
    harness = build(Case("x", layer(options), [(2, 3, 10, 11)]), CpuBackend())
    weight, bias = harness.data(harness.layer.blobs)
    expected = by_definition(harness.data(harness.bottom)[0], weight, bias, stride, pad, dilation)
    np.testing.assert_allclose(harness.forward()[0], expected, atol=1e-5)


def test_parameters():
    harness = build(Case("p", layer("num_output: 6 kernel_h: 3 kernel_w: 2 group: 2"), [X]))
    assert [blob.shape for blob in harness.layer.blobs] == [(6, 2, 3, 2), (6,)]
    assert harness.top[0].shape == (2, 6, 5, 5)


def test_parameters_that_are_not_learned():
    harness = build(Case("p", layer("num_output: 3 kernel_size: 3"), [X]), CpuBackend())
    harness.forward()
    harness.clear_param_diffs()
    harness.layer.param_propagate_down = [False, False]
    harness.set_top_diff(0, np.ones(harness.top[0].shape))
    harness.backward([True])
    assert not any(diff.any() for diff in harness.diff(harness.layer.blobs))


def test_another_batch_size_and_map_size():
    harness = build(Case("r", layer("num_output: 3 kernel_size: 3"), [X]), CpuBackend())
    larger = np.random.default_rng(1).standard_normal((5, 4, 9, 12))
    harness.set_bottom(0, larger)
    weight, bias = harness.data(harness.layer.blobs)
    np.testing.assert_allclose(harness.forward()[0], by_definition(larger, weight, bias, 1, 0, 1), atol=1e-5)


def test_equal_shapes_keep_their_plan():
    harness = build(Case("r", layer("num_output: 3 kernel_size: 3"), [X]), CpuBackend())
    plan = harness.layer._plan
    harness.reshape()
    assert harness.layer._plan is plan


def test_other_channels_are_refused():
    harness = build(Case("r", layer("num_output: 3 kernel_size: 3"), [X]))
    harness.set_bottom(0, np.zeros((2, 5, 7, 6)))
    with pytest.raises(
        ValueError, match="was set up for 4 channels with 2 spatial axes, but the bottom is now 2×5×7×6"
    ):
        harness.forward()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("kernel_size: 3", "num_output is missing; say how many maps the layer gives (num_output: 20)"),
        (
            "num_output: 4",
            "kernel_size is missing; give it once for all spatial axes or once an axis (kernel_size: 3)",
        ),
        (
            "num_output: 4 kernel_size: 9",
            "kernel_size: 9×9 is larger than the padded input 7×6 (bottom 2×4×7×6, pad 0×0); "
            "use a smaller kernel or more pad",
        ),
        (
            "num_output: 4 kernel_size: 3 pad: 1 dilation: 4",
            "kernel_size: 3×3 with dilation 4×4 reaches over 9×9 and is larger than the padded input 9×8 "
            "(bottom 2×4×7×6, pad 1×1); use a smaller kernel or more pad",
        ),
        (
            "num_output: 6 kernel_size: 3 group: 3",
            "group: 3 does not divide the bottom's channels, 4; each group takes as many maps",
        ),
        (
            "num_output: 5 kernel_size: 3 group: 2",
            "group: 2 does not divide num_output, 5; each group takes as many maps",
        ),
        (
            "num_output: 4 kernel_size: 3 group: 0",
            "group: 0 does not divide the bottom's channels, 4; each group takes as many maps",
        ),
        (
            "num_output: 4 kernel_size: 3 kernel_h: 3 kernel_w: 3",
            "kernel_size and kernel_h, kernel_w are both given; use one of them",
        ),
        ("num_output: 4 kernel_h: 3", "kernel_w is missing; give both kernel_h and kernel_w, or kernel_size"),
        (
            "num_output: 4 kernel_size: 3 stride: 1 stride_h: 2 stride_w: 2",
            "stride and stride_h, stride_w are both given; use one of them",
        ),
        ("num_output: 4 kernel_size: 3 pad: 1 pad_h: 1", "pad and pad_h, pad_w are both given; use one of them"),
        ("num_output: 4 kernel_size: 0", "kernel_size: 0 makes no sense; the least is 1"),
        ("num_output: 4 kernel_size: 3 stride: 0", "stride: 0 makes no sense; the least is 1"),
        ("num_output: 4 kernel_size: 3 dilation: 0", "dilation: 0 makes no sense; the least is 1"),
        (
            "num_output: 4 kernel_size: 3 kernel_size: 3 kernel_size: 3",
            "kernel_size is given 3 times for 2 spatial axes; give it once for all or once an axis",
        ),
        (
            "num_output: 4 kernel_h: 3 kernel_w: 3 axis: 2",
            "kernel_h, kernel_w are for bottoms with 2 spatial axes, here are 1; use kernel_size once an axis",
        ),
        (
            "num_output: 4 kernel_size: 3 axis: 4",
            "axis: 4 is out of range for a bottom with 4 axes (shape 2×4×7×6); use -4 to 3",
        ),
    ],
)
def test_refuses(refusal, options, text):
    assert refusal(layer(options), [X]) == text


def test_refuses_bottoms_of_different_shapes(refusal):
    said = refusal(layer("num_output: 4 kernel_size: 3"), [X, (2, 4, 7, 7)], tops=2)
    assert said == "all bottoms must have one shape, but there are 2×4×7×6 and 2×4×7×7"
