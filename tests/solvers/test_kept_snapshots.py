import numpy as np
import pytest

from cafpy.errors import SolverError
from cafpy.snapshot.load import load_weights
from cafpy.solvers.observer import Output, Scores


def names(folder):
    return sorted(path.name for path in folder.iterdir() if "_iter_" in path.name)


def scores(value):
    return Scores(0, [Output("loss", np.array([float(value)]), 1)], None)


@pytest.mark.parametrize("form", ["BINARYPROTO", "HDF5"])
def test_the_newest_are_kept(folder, make_solver, form):
    solver = make_solver(f"snapshot: 2 snapshot_keep: 2 max_iter: 8 ema_decay: 0.5 snapshot_format: {form}")
    for name in ("net_iter_100.solverstate", "other_iter_2.solverstate", "net_iter_x.solverstate"):
        (folder / name).touch()
    solver.step(8)
    h5 = ".h5" if form == "HDF5" else ""
    assert names(folder) == sorted(
        [f"net_iter_{n}.{kind}{h5}" for n in (6, 8) for kind in ("caffemodel", "ema.caffemodel", "solverstate")]
        + ["net_iter_100.solverstate", "other_iter_2.solverstate", "net_iter_x.solverstate"]
    )


def test_a_resumed_run_removes_the_old_ones_of_the_run_before(folder, make_solver):
    text = "snapshot: 1 snapshot_keep: 1"
    first, second = make_solver(text), make_solver(text)
    first.step(3)
    second.restore("net_iter_3.solverstate")
    second.step(1)
    assert names(folder) == ["net_iter_4.caffemodel", "net_iter_4.solverstate"]


def test_the_best_weights_are_kept_as_the_tests_use_them(folder, make_solver):
    solver = make_solver(
        'test_iter: 1 test_interval: 100 snapshot_best: "loss" ema_decay: 0.5 test_initialization: false'
    )
    tested = []
    for value in (3, 2, 2, 5, np.nan):
        solver.step(1)
        trained = solver.flat.data.copy()
        tested.append(solver.average.values.copy())
        solver.watch.see(solver, 0, scores(value))
        np.testing.assert_array_equal(solver.flat.data, trained)
    saved = make_solver()
    load_weights(saved.net, "net_best.caffemodel")
    np.testing.assert_array_equal(saved.flat.data, tested[1])
    notes = [entry[2] for entry in solver.observers[0].of("note")]
    assert notes[-1] == "Iteration 2: loss = 2 is the best so far; weights kept as net_best.caffemodel"


def test_errors(folder, make_solver):
    for text, message in [
        ("snapshot_keep: -1", "snapshot_keep is -1; it must not be negative"),
        (
            'test_iter: 1 test_interval: 1 snapshot_best: "accuracy"',
            'snapshot_best: no test net has an output "accuracy"; there are loss',
        ),
        (
            'test_iter: 1 test_interval: 1 snapshot_best: "loss" snapshot_prefix: "nodir/x"',
            "snapshot_prefix 'nodir/x': the folder 'nodir' does not exist; make it with `mkdir -p nodir`",
        ),
    ]:
        with pytest.raises(SolverError) as error:
            make_solver(text)
        assert str(error.value) == message
