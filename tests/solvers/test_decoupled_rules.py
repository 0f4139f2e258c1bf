"""AdamW, LAMB and Lion against their papers' formulas, written out here in float64."""

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.ops.update import FlatParameters
from cafpy.proto import cafpy_pb2 as pb
from cafpy.solvers.update_rule import update_rule

SHAPES = ((4, 3), (5,), (2,))
RATES = (0.01, 0.03, 0.02)
DECAYS = (0.1, 0.0, 0.2)


def adam_direction(m, v, g, t, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return m, v, (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)


def adamw(w, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v, direction = adam_direction(m, v, g, t, beta1, beta2, eps)
    return w - rate * direction - rate * decay * w, m, v


def lamb(w, g, m, v, t, rate, decay, beta1=0.9, beta2=0.999, eps=1e-6):
    m, v, direction = adam_direction(m, v, g, t, beta1, beta2, eps)
    update = direction + decay * w
    norm = np.linalg.norm(w)
    trust = norm / np.linalg.norm(update) if norm > 0 and np.linalg.norm(update) > 0 else 1
    return w - rate * trust * update, m, v


def lion(w, g, m, v, t, rate, decay, beta1=0.9, beta2=0.99):
    direction = np.sign(beta1 * m + (1 - beta1) * g)
    return w - rate * (direction + decay * w), beta2 * m + (1 - beta2) * g, v


RULES = {"AdamW": adamw, "LAMB": lamb, "Lion": lion}


@pytest.mark.parametrize("backend", [Backend, CpuBackend])
@pytest.mark.parametrize(
    ("fields", "betas"),
    [
        ({}, {}),
        ({"momentum": 0.8, "momentum2": 0.95}, {"beta1": 0.8, "beta2": 0.95}),
        ({"delta": 0.1, "momentum": 0}, {"eps": 0.1, "beta1": 0.0}),
    ],
)
@pytest.mark.parametrize("type_name", RULES)
def test_ten_steps_by_the_formula(type_name, fields, betas, backend):
    if type_name == "Lion":
        betas = {name: value for name, value in betas.items() if name != "eps"}
    rng = np.random.default_rng(1)
    counts = [int(np.prod(shape)) for shape in SHAPES]
    weights = [rng.standard_normal(count) for count in counts]
    weights[2][:] = 0  # norm 0: LAMB takes the factor 1
    memory = [(np.zeros(count), np.zeros(count)) for count in counts]
    device = backend()
    flat = FlatParameters(np.concatenate(weights), np.zeros(sum(counts)), counts)
    flat.rates[:], flat.decays[:] = RATES, DECAYS
    rule = update_rule(pb.SolverParameter(type=type_name, **fields))
    history = [np.zeros(sum(counts)) for _ in rule.keeps]
    betas = {name: float(np.float32(value)) for name, value in betas.items()}  # a float field is a float32
    if "eps" not in betas and type_name == "AdamW":
        betas["eps"] = rule.param.delta
    for t in range(1, 11):
        gradients = [rng.standard_normal(count) for count in counts]
        flat.diff[:], flat.scale = np.concatenate(gradients) * 4, 0.25
        before = flat.data.copy()
        rule.update(device, flat, history, t - 1)
        for i, gradient in enumerate(gradients):
            weights[i], *memory[i] = RULES[type_name](weights[i], gradient, *memory[i], t, RATES[i], DECAYS[i], **betas)
        np.testing.assert_allclose(flat.data, np.concatenate(weights), rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(before - flat.data, flat.diff, atol=1e-12)
    for slot, simulated in zip(history, zip(*memory, strict=True), strict=False):
        np.testing.assert_allclose(slot, np.concatenate(simulated), rtol=1e-6)


@pytest.mark.parametrize("type_name", RULES)
@pytest.mark.parametrize("backend", [Backend, CpuBackend])
def test_l1_decay_is_decoupled_too(type_name, backend):
    """Without a gradient only the decay moves a weight, by η λ sign(w); it leaves no trace in the history."""
    flat = FlatParameters(np.array([2.0, -2.0]), np.zeros(2), [2])
    flat.rates[:], flat.decays[:], flat.l1 = 0.1, 0.5, True
    rule = update_rule(pb.SolverParameter(type=type_name))
    history = [np.zeros(2) for _ in rule.keeps]
    rule.update(backend(), flat, history, 0)
    step = 0.1 * 2 * np.sqrt(2) / np.sqrt(2) if type_name == "LAMB" else 0.1 * 0.5  # LAMB: a step of ‖w‖ η
    np.testing.assert_allclose(flat.data, [2 - step, step - 2])
    assert not np.any(history)


def test_lion_keeps_one_history_and_the_others_two():
    assert [len(update_rule(pb.SolverParameter(type=name)).keeps) for name in RULES] == [2, 2, 1]
