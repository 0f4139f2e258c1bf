"""BatchNorm: its cases, its running sums and what it refuses."""

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.testing.case import Case, build


def layer(options: str = "", more: str = "") -> str:
    return f'type: "BatchNorm" {more} batch_norm_param {{ {options} }}'


X = (4, 3, 2, 3)
RUNNING = [[1, -2, 0.5], [6, 3, 9], [3]]  # sums of means and variances, and their weight

CASES = [
    Case("training", layer(), [X]),
    Case("training in place", layer(), [X], in_place=True),
    Case("training, options", layer("moving_average_fraction: 0.9 eps: 0.01"), [X], params=RUNNING),
    Case("matrix", layer(), [(6, 4)]),
    Case("five axes", layer(), [(3, 2, 2, 3, 2)]),
    Case("one value a channel", layer("eps: 1"), [(1, 3, 1, 1)], gradient=()),
    Case("testing", layer(), [X], phase="TEST", params=RUNNING),
    Case("testing in place", layer(), [X], phase="TEST", params=RUNNING, in_place=True),
    Case("testing without a past", layer(), [X], phase="TEST"),
    Case("running means in training", layer("use_global_stats: true"), [X], params=RUNNING),
    Case("the batch's means in testing", layer("use_global_stats: false"), [X], phase="TEST"),
]


@pytest.mark.parametrize("backend", [Backend, CpuBackend])
@pytest.mark.parametrize("shape", [(32, 3, 8, 8), (4096, 3)])
def test_statistics_far_from_zero(backend, shape):
    values = np.random.default_rng(0).standard_normal(shape) * 0.1 + 1000
    harness = build(Case("far", layer(), [values]), backend())
    y = harness.forward()[0].astype(np.float64)
    axes = (0, *range(2, len(shape)))
    mean, variance, weight = harness.data(harness.layer.blobs)
    np.testing.assert_allclose(mean, values.astype(np.float32).mean(axes, np.float64), rtol=1e-7)
    count = np.prod(shape) / 3
    np.testing.assert_allclose(variance, values.astype(np.float32).var(axes, np.float64) * count / (count - 1), 1e-3)
    np.testing.assert_allclose(y.std(axes), 1, rtol=2e-3)
    assert weight == 1


@pytest.mark.parametrize("backend", [Backend, CpuBackend])
def test_equal_values(backend):
    harness = build(Case("equal", layer(), [np.full((8, 2, 5, 5), 1234.567)]), backend())
    np.testing.assert_array_equal(harness.forward()[0], np.zeros((8, 2, 5, 5)))
    np.testing.assert_array_equal(harness.layer.blobs[1].data, [0, 0])


def test_parameters_are_not_learned():
    harness = build(CASES[0])
    assert [spec.lr_mult for spec in harness.layer.param.param] == [0, 0, 0]


@pytest.mark.parametrize(
    ("more", "bottom", "text"),
    [
        (
            "param { lr_mult: 1 }",
            X,
            "param 0 has lr_mult 1, but running means and variances are not learned; "
            "remove the param entries or write `param { lr_mult: 0 }` three times",
        ),
        (
            "param { lr_mult: 0 } param { lr_mult: 0 } param { decay_mult: 0 }",
            X,
            "param 2 has lr_mult 1, but running means and variances are not learned; "
            "remove the param entries or write `param { lr_mult: 0 }` three times",
        ),
        ("", (2,), "bottom 'b0' has shape 2, but channels are on axis 1; it must have two axes at least"),
    ],
)
def test_refuses(refusal, more, bottom, text):
    assert refusal(layer(more=more), [bottom]) == text


def test_refuses_another_number_of_channels_later():
    harness = build(Case("later", layer(), [X]))
    harness.set_bottom(0, np.zeros((4, 5, 2, 3)))
    with pytest.raises(ValueError) as raised:
        harness.forward()
    assert str(raised.value) == (
        "layer 'later' (BatchNorm), later:1: bottom 'b0' has shape 4×5×2×3, "
        "but this layer was built for 3 channels (axis 1)"
    )
