"""Windows in array calls: which places of a kernel lie inside the image."""

import numpy as np
import pytest

from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.im2col import col2im, im2col, taps


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("pad", [0, 1, 5])
@pytest.mark.parametrize("dilation", [1, 2, 4])
def test_taps(stride, pad, dilation):
    size, kernel = 9, 3
    windows = (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
    for place, (there,), (at,) in taps((size,), (windows,), (kernel,), (stride,), (pad,), (dilation,)):
        position = np.arange(windows) * stride - pad + place * dilation
        inside = (position >= 0) & (position < size)
        np.testing.assert_array_equal(np.arange(windows)[there], np.arange(windows)[inside])
        np.testing.assert_array_equal(np.arange(size)[at], position[inside])


def test_col2im_is_the_transpose():
    g = Geometry(2, 3, 3, 1, (5, 6, 4), (2, 3, 2), (2, 1, 1), (1, 2, 0), (1, 2, 3))
    rng = np.random.default_rng(0)
    x, columns = rng.standard_normal((2, 3, 5, 6, 4)), rng.standard_normal((2, 3, 12, *g.windows))
    out, back = np.full_like(columns, np.nan), np.zeros_like(x)
    im2col(np, x, g, out)
    col2im(np, columns, g, back)
    np.testing.assert_allclose((out * columns).sum(), (back * x).sum())
