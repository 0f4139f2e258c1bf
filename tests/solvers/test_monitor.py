import numpy as np
import pytest

from cafpy.errors import SolverError
from cafpy.solvers.observer import Output, Scores

TEST = "test_iter: 1 test_interval: 1 "
PLATEAU = TEST + 'lr_policy: "plateau" gamma: 0.5 plateau_patience: 2 '


def scores(value, name="loss"):
    return Scores(0, [Output(name, np.atleast_1d(np.float64(value)), 1)], None)


def see(solver, *values):
    """Show the solver these results; the learning rate after each."""
    rates = []
    for value in values:
        solver.watch.see(solver, 0, scores(value))
        rates.append(solver.rate.at(solver.iteration))
    return rates


def test_plateau_lowers_the_rate_after_so_many_tests_without_a_better_result(make_solver):
    solver = make_solver(PLATEAU + "base_lr: 1")
    assert see(solver, 5, 4, 4, 6, 4.5, 4, 3, 3, 3) == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]
    notes = [entry[2] for entry in solver.observers[0].of("note")]
    assert notes[0] == "Iteration 0: loss has not got better in 2 tests (best 4); the learning rate is now 0.5"
    assert len(notes) == 3


def test_nan_is_no_better_and_the_direction_can_be_given(make_solver):
    solver = make_solver(PLATEAU + 'base_lr: 1 monitor: "loss" monitor_better: "higher"')
    assert see(solver, np.nan, 1, np.nan, 0.5, 2) == [1, 1, 1, 0.5, 0.5]
    assert solver.watch.monitors["monitor"].best == 2


def test_plateau_uses_the_solvers_own_tests_and_survives_a_snapshot(make_solver):
    text = PLATEAU + "base_lr: 0.4 max_iter: 12 display: 1 plateau_patience: 1 test_initialization: false"
    text = text.replace("plateau_patience: 2 ", "")
    whole = make_solver(text)
    whole.step(7)
    _, state = whole.snapshot()
    whole.step(5)
    for name in ("", "HDF5"):
        resumed = make_solver(text + (f" snapshot_format: {name}" if name else ""))
        resumed.restore(state)
        if name:
            resumed.restore(resumed.snapshot()[1])
        resumed.step(5)
        rates = [[entry[2].rate for entry in s.observers[0].of("display")] for s in (whole, resumed)]
        assert rates[0][7:] == rates[1]
        assert resumed.watch.state() == whole.watch.state()
    assert len(set(rates[0])) > 1


EARLY = "test_iter: 2 test_interval: 1 early_stop_patience: 2 max_iter: 50 snapshot_after_train: true "


def test_early_stopping_ends_a_run_that_gets_no_better(make_solver):
    solver = make_solver(EARLY + "base_lr: 1e-30")  # the weights stay, and so does the loss of all ten rows
    solver.solve()
    assert solver.iteration == 2
    assert [entry[0] for entry in solver.observers[0].of("snapshot", "stop", "end")] == ["snapshot", "stop"]
    (note,) = solver.observers[0].of("note")
    best = solver.watch.monitors["monitor"].best
    assert note[2] == f"Iteration 2: loss has not got better in 2 tests (best {best:g}); stopping early"


def test_early_stopping_lets_a_run_that_gets_better_go_on(make_solver):
    solver = make_solver(EARLY + 'base_lr: 0.01 type: "SGD" clip_gradients: 1')
    solver.solve()
    assert solver.iteration == 50


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            PLATEAU + 'monitor: "los"',
            "monitor: no test net has an output \"los\" (did you mean 'loss'?); there are loss",
        ),
        (
            PLATEAU.replace(TEST, "") + 'monitor: "loss"',
            'monitor: "loss" is a test output, but the solver has no test net; give a test_interval',
        ),
        (
            PLATEAU.replace(TEST, ""),
            "the solver watches test results (monitor), but it has no test net; give a test_interval",
        ),
        (PLATEAU + 'monitor_better: "up"', 'monitor_better is "up"; write "lower" or "higher"'),
    ],
)
def test_errors(make_solver, text, message):
    with pytest.raises(SolverError) as error:
        make_solver(text)
    assert str(error.value) == message


def test_an_output_of_many_values_and_a_net_without_one_loss(make_solver, net_text):
    with pytest.raises(SolverError) as error:
        make_solver(
            PLATEAU, net=net_text + 'layer { name: "l2" type: "EuclideanLoss" bottom: "ip" bottom: "y" top: "l2" }'
        )
    assert str(error.value) == (
        "monitor is missing, and the test net has 2 losses; name the output to watch, one of l2, loss"
    )
    more = 'layer { name: "more" type: "Power" bottom: "ip" top: "more" }'
    solver = make_solver(PLATEAU + 'monitor: "more"', net=net_text + more)
    with pytest.raises(SolverError) as error:
        solver.test_all()
    assert str(error.value) == (
        "monitor: the output 'more' has 10 values, but only one number can be better or worse; watch another output"
    )
