import numpy as np
import pytest

from cafpy.backend import Backend
from cafpy.blob import Blob
from cafpy.errors import SolverError
from cafpy.ops.update import FlatParameters
from cafpy.parameters import Parameter
from cafpy.proto import cafpy_pb2 as pb
from cafpy.solvers.gradient import GradientPreparation, clip_factor
from cafpy.testing.fake_device import FakeBackend


def prepared(diff, data, lr_mult=(1, 1), decay_mult=(1, 1), **fields):
    """The gradients of two parameters of one element each as an update rule gets them, and their rates."""
    parameters = [
        Parameter(Blob(Backend(), (1,)), "ip", i, lr_mult=lr, decay_mult=decay)
        for i, (lr, decay) in enumerate(zip(lr_mult, decay_mult, strict=True))
    ]
    flat = FlatParameters(np.array(data, np.float32), np.array(diff, np.float32), (1, 1))
    GradientPreparation(pb.SolverParameter(**fields), parameters).prepare(np, flat, 0.1)
    return np.concatenate([gradient for _, gradient, _ in flat.gradients(np)]), flat.rates


def test_clipping_comes_before_averaging_and_decay():
    gradient, _ = prepared([3, 4], [10, 20], clip_gradients=1, iter_size=2, weight_decay=0.5)
    np.testing.assert_allclose(gradient, [0.6 / 2 + 5, 0.8 / 2 + 10], rtol=1e-6)


def test_small_gradients_are_not_clipped():
    gradient, _ = prepared([0.3, 0.4], [0, 0], clip_gradients=1)
    np.testing.assert_allclose(gradient, [0.3, 0.4], rtol=1e-6)


def test_no_gradient_at_all_is_no_division_by_zero():
    gradient, _ = prepared([0, 0], [0, 0], clip_gradients=1)
    assert gradient.tolist() == [0, 0]


def test_l1_uses_the_sign():
    gradient, _ = prepared([1, 1], [-7, 0], weight_decay=0.5, regularization_type="L1")
    assert gradient.tolist() == [0.5, 1]


def test_multipliers():
    gradient, rates = prepared([1, 1], [2, 2], lr_mult=(2, 0), decay_mult=(0, 3), weight_decay=0.5)
    assert gradient.tolist() == [1, 4]
    np.testing.assert_allclose(rates, [0.2, 0], rtol=1e-6)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"regularization_type": "L3"}, 'unknown regularization_type "L3"; write "L2" or "L1"'),
        ({"iter_size": 0}, "iter_size is 0; it must be at least 1"),
    ],
)
def test_errors(fields, text):
    with pytest.raises(SolverError) as error:
        prepared([0, 0], [0, 0], **fields)
    assert str(error.value) == text


def test_clipping_makes_no_trip_to_the_host():
    backend = FakeBackend()
    diff = backend.zeros(2, np.float32)
    backend.upload(diff, np.array([3, 4], np.float32))
    factor = clip_factor(backend.xp, diff, 1)
    assert backend.to_host(factor) == pytest.approx(0.2)
