import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.errors import SolverError
from cafpy.snapshot.load import load_weights
from cafpy.snapshot.states import read_state
from cafpy.solvers.observer import Observer

TEXT = "ema_decay: 0.75 test_iter: 2 test_interval: 4 max_iter: 12 base_lr: 0.2 "


class Weights(Observer):
    """Notes the weights after every iteration."""

    def __init__(self, solver):
        self.noted = [solver.flat.data.copy()]

    def on_iteration(self, solver):
        self.noted.append(solver.flat.data.copy())


def averaged(noted, decay=0.75):
    average = noted[0].astype(float)
    for t, weights in enumerate(noted[1:], 1):
        average += (1 - min(decay, (1 + t) / (10 + t))) * (weights - average)
    return average


def test_the_average_by_its_formula(make_solver):
    solver = make_solver(TEXT)
    weights = Weights(solver)
    solver.observers.append(weights)
    solver.step(12)
    np.testing.assert_allclose(solver.average.values, averaged(weights.noted), rtol=1e-5)
    assert not np.allclose(solver.average.values, solver.flat.data, rtol=1e-3)


def test_training_is_the_same_and_tests_use_the_average(make_solver):
    plain, ours, judge = make_solver(TEXT.replace("ema_decay: 0.75", "")), make_solver(TEXT), make_solver(TEXT)
    for solver in (plain, ours):
        solver.solve()
    np.testing.assert_array_equal(plain.flat.data, ours.flat.data)
    judge.flat.data[...] = ours.average.values
    judge.test_all()
    scores = [solver.observers[0].of("test")[-1][3].outputs[0].values[0] for solver in (plain, ours, judge)]
    assert scores[1] == scores[2] != scores[0]


@pytest.mark.parametrize("form", ["BINARYPROTO", "HDF5"])
def test_it_is_saved_and_goes_on_exactly(make_solver, form):
    text = TEXT + f"snapshot_format: {form}"
    whole, resumed = make_solver(text), make_solver(text)
    whole.step(5)
    model, state = whole.snapshot()
    suffix = ".ema.caffemodel" + (".h5" if form == "HDF5" else "")
    saved = make_solver(text)
    load_weights(saved.net, f"net_iter_5{suffix}")
    np.testing.assert_array_equal(saved.flat.data, whole.average.values)
    load_weights(saved.net, model)
    np.testing.assert_array_equal(saved.flat.data, whole.flat.data)
    resumed.restore(state)
    for solver in (whole, resumed):
        solver.step(7)
    np.testing.assert_array_equal(whole.average.values, resumed.average.values)


class SnapshotsInTests(Observer):
    def on_test_start(self, solver, index):
        solver.request_snapshot()


def test_a_snapshot_asked_for_during_a_test_holds_the_trained_weights(make_solver):
    solver = make_solver(TEXT)
    solver.observers.append(SnapshotsInTests())
    weights = Weights(solver)
    solver.observers.append(weights)
    solver.step(9)
    for n in (4, 8):
        saved = make_solver()
        load_weights(saved.net, f"net_iter_{n}.caffemodel")
        np.testing.assert_array_equal(saved.flat.data, weights.noted[n])
    np.testing.assert_allclose(solver.average.values, averaged(weights.noted), rtol=1e-5)


def test_a_state_without_an_average_begins_one(make_solver):
    plain, ours = make_solver(), make_solver(TEXT)
    plain.step(3)
    ours.step(2)
    ours.restore(plain.snapshot()[1])
    assert ours.average.values is None
    ours.step(1)
    assert ours.average.values is not None
    assert read_state("net_iter_3.solverstate").average == []


def test_both_bodies_agree():
    from cafpy.solvers.weight_average import move_towards

    rng = np.random.default_rng(0)
    start, target = rng.standard_normal((2, 1000)).astype(np.float32)
    results = []
    for backend in (Backend(), CpuBackend()):
        values = start.copy()
        move_towards(backend, values, target, np.float32(0.3))
        results.append(values)
    np.testing.assert_allclose(*results, rtol=1e-5, atol=1e-6)


def test_error(make_solver):
    with pytest.raises(SolverError) as error:
        make_solver("ema_decay: 1")
    assert str(error.value) == "ema_decay is 1; it must be at least 0 and below 1, such as 0.999"
