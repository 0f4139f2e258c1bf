"""MVN: its cases and what it refuses."""

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.testing.case import Case, build


def layer(options: str = "") -> str:
    return f'type: "MVN" mvn_param {{ {options} }}'


X = (2, 3, 4, 5)

CASES = [
    Case("channels", layer(), [X]),
    Case("items", layer("across_channels: true"), [X]),
    Case("in place", layer(), [X], in_place=True),
    Case("mean only", layer("normalize_variance: false"), [X]),
    Case("mean only, items", layer("normalize_variance: false across_channels: true"), [X]),
    # Caffe's gradient, which leaves eps out, so differences of forward do not give it
    Case("large eps", layer("eps: 0.01"), [X], gradient=()),
    Case("matrix", layer("across_channels: true"), [(3, 8)]),
]


@pytest.mark.parametrize("backend", [Backend, CpuBackend])
def test_equal_values_become_0(backend):
    harness = build(Case("equal", layer(), [np.full((2, 3, 4, 5), 0.1)]), backend())
    np.testing.assert_array_equal(harness.forward()[0], np.zeros((2, 3, 4, 5)))


def test_a_matrix_gets_four_axes():
    assert build(CASES[-1]).top[0].shape == (3, 8, 1, 1)


@pytest.mark.parametrize(
    ("options", "bottom", "text"),
    [
        ("", (4,), "bottom 'b0' has shape 4; it must have two axes at least, items and channels"),
        (
            "across_channels: true",
            (),
            "bottom 'b0' has shape (no axes); it must have one axis at least, the items",
        ),
    ],
)
def test_refuses(refusal, options, bottom, text):
    assert refusal(layer(options), [bottom]) == text


def test_refuses_a_matrix_in_place(refusal):
    text = refusal(layer(), [(2, 3)], in_place=True)
    assert text == "cannot work in place on shape 2×3, as its top has four axes; give it a top of another name"
