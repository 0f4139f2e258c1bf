"""Deconvolution: the transpose of a convolution, in every option."""

import numpy as np
import pytest

from cafpy.backend import CpuBackend
from cafpy.testing.case import Case, build

X = (2, 4, 4, 3)


def layer(options: str) -> str:
    return (
        f'type: "Deconvolution" convolution_param {{ {options} weight_filler {{ type: "gaussian" std: 0.5 }} '
        'bias_filler { type: "gaussian" } }'
    )


CASES = [
    Case("3x3", layer("num_output: 5 kernel_size: 3"), [X]),
    Case("stride 2", layer("num_output: 3 kernel_size: 4 stride: 2 pad: 1"), [X]),
    Case("stride beyond the kernel", layer("num_output: 3 kernel_size: 2 stride: 3"), [X]),
    Case("dilation", layer("num_output: 3 kernel_size: 3 dilation: 2 stride: 2 pad: 1"), [X]),
    Case("1x1", layer("num_output: 3 kernel_size: 1"), [X]),
    Case("1x1 on large maps", layer("num_output: 3 kernel_size: 1"), [(2, 4, 12, 9)]),
    Case("h and w", layer("num_output: 3 kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 2 pad_h: 1 pad_w: 0"), [X]),
    Case("group", layer("num_output: 6 kernel_size: 3 group: 2"), [X]),
    Case("depthwise", layer("num_output: 4 kernel_size: 4 stride: 2 pad: 1 group: 4"), [X]),
    Case("no bias", layer("num_output: 3 kernel_size: 3 bias_term: false"), [X]),
    Case("two bottoms", layer("num_output: 3 kernel_size: 3"), [X, X], tops=2),
    Case("no spatial axis", layer("num_output: 3 kernel_size: 1"), [(5, 4)]),
    Case("one spatial axis", layer("num_output: 3 kernel_size: 3 stride: 2"), [(2, 4, 5)]),
    Case("three spatial axes", layer("num_output: 2 kernel_size: 2 stride: 2 group: 2"), [(2, 2, 3, 2, 2)]),
    Case("axis 2", layer("num_output: 3 kernel_size: 2 axis: 2"), [(2, 2, 4, 3, 3)]),
]


def test_definition():
    """Each pixel puts its value times the kernel on the output."""
    harness = build(Case("d", layer("num_output: 2 kernel_size: 3 stride: 2 pad: 1"), [(1, 3, 4, 5)]), CpuBackend())
    (x,) = harness.data(harness.bottom)
    weight, bias = harness.data(harness.layer.blobs)
    y = np.zeros((2, 2 * 3 + 3, 2 * 4 + 3))
    for c, i, j in np.ndindex(3, 4, 5):
        y[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += x[0, c, i, j] * weight[c]
    expected = y[:, 1:-1, 1:-1] + bias[:, None, None]
    np.testing.assert_allclose(harness.forward()[0][0], expected, atol=1e-5)


def test_bilinear_upsampling():
    """The recipe of the docstring: a plane stays a plane, away from the border."""
    options = (
        "num_output: 2 group: 2 kernel_size: 4 stride: 2 pad: 1 bias_term: false weight_filler { type: 'bilinear' }"
    )
    ramp = np.add.outer(np.arange(6.0), 10 * np.arange(5.0))
    case = Case("b", f'type: "Deconvolution" convolution_param {{ {options} }}', [np.stack([[ramp, -ramp]])])
    (y,) = build(case, CpuBackend()).forward()
    assert y.shape == (1, 2, 12, 10)
    np.testing.assert_allclose(np.diff(y[0, 0, 1:-1, 1:-1], axis=0), 0.5, atol=1e-5)
    np.testing.assert_allclose(np.diff(y[0, 0, 1:-1, 1:-1], axis=1), 5, atol=1e-5)
    np.testing.assert_allclose(y[0, 1], -y[0, 0], atol=1e-5)


def test_parameters():
    harness = build(Case("p", layer("num_output: 6 kernel_size: 3 group: 2"), [X]))
    assert [blob.shape for blob in harness.layer.blobs] == [(4, 3, 3, 3), (6,)]
    assert harness.top[0].shape == (2, 6, 6, 5)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("kernel_size: 3", "num_output is missing; say how many maps the layer gives (num_output: 20)"),
        (
            "num_output: 2 kernel_size: 1 pad: 2",
            "pad: 2×2 leaves nothing of the output 4×3; use less pad",
        ),
        (
            "num_output: 6 kernel_size: 3 group: 3",
            "group: 3 does not divide the bottom's channels, 4; each group takes as many maps",
        ),
    ],
)
def test_refuses(refusal, options, text):
    assert refusal(layer(options), [X]) == text
