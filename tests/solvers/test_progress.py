"""A snapshot that is asked for around a test stands before it: the resumed run does that test again, and no twice."""

import numpy as np
import pytest

from cafpy.solvers.observer import Observer

# Each test takes half of the ten rows, so a position that is off by one pass gives other results.
TEXT = (
    'lr_policy: "plateau" gamma: 0.5 plateau_patience: 1 base_lr: 1.2 early_stop_patience: 50 ema_decay: 0.5 '
    'snapshot_best: "loss" test_iter: 3 test_interval: 2 max_iter: 14 display: 1'
)


class AsksAt(Observer):
    """Asks for a snapshot and to stop at one event of iteration 6."""

    def __init__(self, event):
        self.event = event

    def ask(self, event, solver):
        if (event, solver.iteration) == (self.event, 6):
            solver.request_snapshot()
            solver.request_stop()

    def on_test_start(self, solver, index):
        self.ask("test_start", solver)

    def on_test(self, solver, index, scores):
        self.ask("test", solver)

    def on_iteration(self, solver):
        self.ask("iteration", solver)


@pytest.mark.parametrize("event", ["iteration", "test_start", "test"])
def test_a_run_stopped_around_a_test_goes_on_exactly(folder, make_solver, event):
    whole = make_solver(TEXT)
    whole.solve()
    stopped = make_solver(TEXT)
    stopped.observers.append(AsksAt(event))
    stopped.solve()
    assert stopped.iteration == 6
    resumed = make_solver(TEXT)
    resumed.solve(resume_from="net_iter_6.solverstate")
    np.testing.assert_array_equal(resumed.flat.data, whole.flat.data)
    assert resumed.watch.state() == whole.watch.state()
    results = [[(e[1], e[3].outputs[0].values.item()) for e in s.observers[0].of("test")] for s in (whole, resumed)]
    assert results[1] == [entry for entry in results[0] if entry[0] >= 6]
    rates = [{e[1]: e[2].rate for e in s.observers[0].of("display")} for s in (whole, resumed)]
    assert all(rates[0][iteration] == rate for iteration, rate in rates[1].items())
    assert len(set(rates[0].values())) > 1  # the plateau policy has something to lose
