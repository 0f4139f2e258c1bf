import os

import numpy as np
import pytest

from cafpy.errors import SolverError
from cafpy.proto import cafpy_pb2 as pb
from cafpy.snapshot.states import read_state


def parameters(solver):
    return [solver.net.params["ip"][i].data.copy() for i in range(2)]


def files(folder):
    return sorted(path.name for path in folder.iterdir() if "iter" in path.name)


def test_names_and_times(folder, make_solver):
    (folder / "s").mkdir()
    solver = make_solver('snapshot: 2 snapshot_prefix: "s/run" snapshot_after_train: true max_iter: 5')
    solver.solve()
    assert files(folder / "s") == [f"run_iter_{i}.{kind}" for i in (2, 4, 5) for kind in ("caffemodel", "solverstate")]
    assert read_state("s/run_iter_4.solverstate").learned_net == "s/run_iter_4.caffemodel"


def test_the_last_iteration_is_not_written_twice(folder, make_solver):
    solver = make_solver("snapshot: 3 snapshot_after_train: true")
    solver.solve()
    told = solver.observers[0].of("snapshot")
    assert [entry[1] for entry in told] == [3, 6]


def test_hdf5(folder, make_solver):
    solver = make_solver("snapshot_format: HDF5 snapshot_diff: true")
    solver.step(1)
    model, state = solver.snapshot()
    assert (model.name, state.name) == ("net_iter_1.caffemodel.h5", "net_iter_1.solverstate.h5")
    assert read_state(state).learned_net == model.name


@pytest.mark.parametrize("form", ["BINARYPROTO", "HDF5"])
@pytest.mark.parametrize("kind", ['type: "SGD" momentum: 0.9', 'type: "Adam"', 'type: "AdaDelta" momentum: 0.9'])
def test_a_resumed_run_equals_one_never_stopped(make_solver, kind, form):
    """Shuffled data, no seed given, a multistep policy between two steps, test nets: all go on exactly."""
    text = (
        f"{kind} snapshot_format: {form} random_seed: -1 test_iter: 1 test_interval: 3 max_iter: 12 "
        'lr_policy: "multistep" gamma: 0.5 stepvalue: 2 stepvalue: 2 stepvalue: 9 average_loss: 2 display: 1'
    )
    whole = make_solver(text)
    whole.step(5)
    _, state = whole.snapshot()
    whole.step(7)
    resumed = make_solver(text)
    resumed.restore(state)
    assert resumed.iteration == 5
    resumed.step(7)
    for ours, theirs in zip(parameters(resumed), parameters(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    tests = [[entry[3].outputs[0].values.tolist() for entry in s.observers[0].of("test")] for s in (whole, resumed)]
    assert tests[0][-2:] == tests[1][-2:]
    rates = [[entry[2].rate for entry in s.observers[0].of("display")] for s in (whole, resumed)]
    assert rates[0][5:] == rates[1]


def test_restore_tells_and_moves_test_nets_along(make_solver):
    solver = make_solver("test_iter: 1 test_interval: 100")
    solver.step(2)
    before = parameters(solver)
    _, state = solver.snapshot()
    solver.step(2)
    solver.restore(state)
    assert solver.observers[0].of("restore") == [("restore", 2, state)]
    np.testing.assert_array_equal(solver.test_nets[0].params["ip"][0].data, before[0])


def test_an_empty_prefix_becomes_the_nets_own_name(folder, make_solver):
    solver = make_solver('net: "net.prototxt" snapshot_prefix: ""')
    assert solver.snapshot()[0].name == "net_iter_0.caffemodel"


def test_a_folder_that_is_not_there_is_told_before_training(folder, make_solver):
    text = "snapshot_prefix 'nodir/x': the folder 'nodir' does not exist; make it with `mkdir -p nodir`"
    with pytest.raises(SolverError) as error:
        make_solver('snapshot: 5 snapshot_prefix: "nodir/x"')
    assert str(error.value) == text
    solver = make_solver('snapshot_after_train: true snapshot_prefix: "nodir/x"')
    with pytest.raises(SolverError) as error:
        solver.solve()
    assert str(error.value) == text
    assert solver.iteration == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_told_before_training(folder, make_solver):
    (folder / "locked").mkdir(mode=0o500)
    with pytest.raises(SolverError, match="nothing can be written to the folder 'locked'"):
        make_solver('snapshot: 5 snapshot_prefix: "locked/x"')


def test_caffe_reads_the_state(make_solver):
    """Its own fields are filled as Caffe fills them; ours are numbered where it skips them."""
    solver = make_solver('type: "Adam"')
    solver.step(3)
    _, path = solver.snapshot()
    state = pb.SolverState.FromString(path.read_bytes())
    assert (state.iter, state.learned_net, state.current_step) == (3, "net_iter_3.caffemodel", 0)
    assert [list(blob.shape.dim) for blob in state.history] == [[2, 3], [2], [2, 3], [2]]
    assert [position.layer for position in state.layer_position] == ["data"]
