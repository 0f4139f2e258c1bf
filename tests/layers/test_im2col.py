"""Im2col."""

import numpy as np
import pytest

from cafpy.testing.case import Case, build

X = (2, 3, 6, 7)


def layer(options: str) -> str:
    return f'type: "Im2col" convolution_param {{ {options} }}'


CASES = [
    Case("3x3", layer("kernel_size: 3"), [X]),
    Case("pad and stride", layer("kernel_size: 3 pad: 1 stride: 2"), [X]),
    Case("dilation", layer("kernel_size: 2 dilation: 3"), [X]),
    Case("h and w", layer("kernel_h: 2 kernel_w: 3 pad_h: 1 pad_w: 0"), [X]),
    Case("one spatial axis", layer("kernel_size: 3"), [(2, 3, 8)]),
    Case("three spatial axes", layer("kernel_size: 2"), [(1, 2, 3, 4, 3)]),
    Case("axis 2", layer("kernel_size: 2 axis: 2"), [(2, 2, 3, 4, 3)]),
]


def test_layout():
    """Channel (c · 2 + i) · 2 + j holds channel c, shifted by (i, j)."""
    x = np.arange(2 * 3 * 3.0).reshape(1, 2, 3, 3)
    (columns,) = build(Case("c", layer("kernel_size: 2"), [x])).forward()
    assert columns.shape == (1, 8, 2, 2)
    for c, i, j in np.ndindex(2, 2, 2):
        np.testing.assert_array_equal(columns[0, (c * 2 + i) * 2 + j], x[0, c, i : i + 2, j : j + 2])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("pad: 1", "kernel_size is missing; give it once for all spatial axes or once an axis (kernel_size: 3)"),
        (
            "kernel_size: 7",
            "kernel_size: 7×7 is larger than the padded input 6×7 (bottom 2×3×6×7, pad 0×0); "
            "use a smaller kernel or more pad",
        ),
    ],
)
def test_refuses(refusal, options, text):
    assert refusal(layer(options), [X]) == text


def test_refuses_other_axes():
    harness = build(Case("c", layer("kernel_size: 2"), [X]))
    harness.set_bottom(0, np.zeros((2, 3, 6)))
    with pytest.raises(ValueError, match="was set up for 2 spatial axes, but the bottom is now 2×3×6"):
        harness.forward()
