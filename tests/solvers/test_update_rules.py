"""Every update rule there is: its fast body does what its plain body does, and its history starts as declared."""

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.errors import SolverError
from cafpy.ops.update import BLOCK, FlatParameters
from cafpy.proto import cafpy_pb2 as pb
from cafpy.solvers.update_rule import solver_types, update_rule
from cafpy.testing.fake_device import FakeBackend

COUNTS = (3, 2 * BLOCK + 5, 1, 40)
FIELDS = {
    "SGD": {"momentum": 0.9},
    "Nesterov": {"momentum": 0.9},
    "AdaDelta": {"momentum": 0.95},
    "Adam": {"momentum": 0.9},
}


def run(backend, type_name, dtype, l1, iterations=3):
    """Parameters and history after some iterations with gradients from a fixed seed."""
    rng = np.random.default_rng(3)

    def numbers():
        array = backend.zeros(sum(COUNTS), dtype)
        backend.upload(array, rng.standard_normal(sum(COUNTS)).astype(dtype))
        return array

    flat = FlatParameters(numbers(), backend.zeros(sum(COUNTS), dtype), COUNTS)
    flat.rates[:] = 0.01, 0.02, 0, 0.1
    flat.decays[:] = 0.1, 0, 0.3, 0.2
    flat.l1 = l1
    rule = update_rule(pb.SolverParameter(type=type_name, **FIELDS.get(type_name, {})))
    history = [backend.zeros(sum(COUNTS), dtype) for _ in rule.keeps]
    for iteration in range(iterations):
        flat.diff[...] = numbers()
        flat.scale = 0.5 + iteration
        rule.update(backend, flat, history, iteration)
    return [backend.to_host(array) for array in (flat.data, flat.diff, *history)]


@pytest.mark.parametrize("l1", [False, True])
@pytest.mark.parametrize("type_name", solver_types())
def test_the_fast_body_equals_the_plain_one(type_name, l1):
    plain = run(Backend(), type_name, np.float32, l1)
    fast = run(CpuBackend(), type_name, np.float32, l1)
    for a, b in zip(plain, fast, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("type_name", solver_types())
def test_no_trip_to_the_host(type_name):
    plain = run(Backend(), type_name, np.float32, True)
    device = run(FakeBackend(), type_name, np.float32, True)
    for a, b in zip(plain, device, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("type_name", solver_types())
def test_float32_follows_float64(type_name):
    single, double = (run(Backend(), type_name, dtype, False) for dtype in (np.float32, np.float64))
    assert double[0].dtype == np.float64
    for a, b in zip(single, double, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("type_name", solver_types())
def test_a_rate_of_zero_changes_nothing_and_the_step_is_left_in_diff(type_name):
    before = np.random.default_rng(3).standard_normal(sum(COUNTS)).astype(np.float32)
    data, step, *_ = run(CpuBackend(), type_name, np.float32, False, iterations=1)
    frozen = sum(COUNTS[:2])
    assert data[frozen] == before[frozen]
    np.testing.assert_allclose(before - data, step, atol=1e-6)


def test_types():
    assert solver_types() == ["AdaDelta", "AdaGrad", "Adam", "AdamW", "LAMB", "Lion", "Nesterov", "RMSProp", "SGD"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"type": "adam"},
            "unknown solver type 'adam' (did you mean 'Adam'?); there are "
            "AdaDelta, AdaGrad, Adam, AdamW, LAMB, Lion, Nesterov, RMSProp, SGD",
        ),
        (
            {"type": "../adam"},
            "unknown solver type '../adam' (did you mean 'Adam'?); there are "
            "AdaDelta, AdaGrad, Adam, AdamW, LAMB, Lion, Nesterov, RMSProp, SGD",
        ),
        (
            {"type": "solver"},
            "unknown solver type 'solver'; there are "
            "AdaDelta, AdaGrad, Adam, AdamW, LAMB, Lion, Nesterov, RMSProp, SGD",
        ),
        (
            {"type": "AdaGrad", "momentum": 0.9},
            'momentum is 0.9, but type "AdaGrad" has no momentum; '
            'remove the line, or use type "SGD", "Nesterov" or "Adam"',
        ),
        (
            {"type": "RMSProp", "momentum": 0.9},
            'momentum is 0.9, but type "RMSProp" has no momentum; '
            'remove the line, or use type "SGD", "Nesterov" or "Adam"',
        ),
        (
            {"type": "RMSProp", "rms_decay": 1},
            'rms_decay is 1, but type "RMSProp" needs it to be at least 0 and below 1',
        ),
        ({"type": "Lion", "momentum": 1}, 'momentum is 1, but type "Lion" needs it to be at least 0 and below 1'),
        ({"type": "Adam", "momentum2": 1}, 'momentum2 is 1, but type "Adam" needs it to be at least 0 and below 1'),
    ],
)
def test_errors(fields, text):
    with pytest.raises(SolverError) as error:
        update_rule(pb.SolverParameter(**fields))
    assert str(error.value) == text
