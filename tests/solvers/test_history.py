"""A solver state in the hands of another type of solver: taken over, told, or refused, but never in silence."""

import numpy as np
import pytest
from click.testing import CliRunner

from cafpy.cli import main
from cafpy.errors import WeightsError
from cafpy.snapshot.states import read_state, write_state
from cafpy.solvers.update_rule import rule_class, solver_types

TYPES = {name: f'type: "{name}" base_lr: 0.001' for name in solver_types()}


@pytest.fixture
def state_of(make_solver):
    """state_of(type) -> the state that a solver of that type has written after three iterations."""

    def write(kind, fields="", as_caffe=False):
        solver = make_solver(f'{TYPES[kind]} snapshot_prefix: "{kind}" {fields}')
        solver.step(3)
        _, path = solver.snapshot()
        if as_caffe:
            state = read_state(path)
            state.solver_type = ""
            write_state(state, path)
        return path

    return write


def notes(solver):
    return [text for _, _, text in solver.observers[0].of("note")]


def refusal(solver, path):
    before = solver.flat.data.copy()
    with pytest.raises(WeightsError) as error:
        solver.restore(path)
    assert solver.iteration == 0 and np.array_equal(solver.flat.data, before)
    assert not any(history.any() for history in solver.history)
    return str(error.value)


@pytest.mark.parametrize("form", ["BINARYPROTO", "HDF5"])
def test_the_type_is_in_the_state(state_of, form):
    assert read_state(state_of("Nesterov", f"snapshot_format: {form}")).solver_type == "Nesterov"


@pytest.mark.parametrize("kind", TYPES)
def test_the_same_type_goes_on_and_nothing_is_said(state_of, make_solver, kind):
    solver = make_solver(TYPES[kind])
    solver.restore(state_of(kind))
    assert notes(solver) == [] and solver.iteration == 3
    assert all(history.any() for history in solver.history)


@pytest.mark.parametrize("as_caffe", [False, True])
@pytest.mark.parametrize("old", TYPES)
def test_whatever_is_taken_over_goes_on_with_finite_numbers(state_of, make_solver, old, as_caffe):
    """Of every type into every other; Caffe's states do not say their type, so only what cannot be is refused."""
    path = state_of(old, as_caffe=as_caffe)
    taken = set()
    for new in TYPES:
        solver = make_solver(TYPES[new])
        try:
            solver.restore(path)
        except WeightsError:
            continue
        taken.add(new)
        assert len(notes(solver)) == (new != old and not as_caffe)
        solver.step(2)
        assert np.isfinite(solver.flat.data).all()
    same = {name for name in TYPES if rule_class(name).keeps == rule_class(old).keeps}
    assert old in same <= taken


def test_what_means_the_same_is_taken_over_and_told(state_of, make_solver):
    solver = make_solver(TYPES["Nesterov"])
    path = state_of("SGD")
    solver.restore(path)
    assert notes(solver) == [
        'the solver state \'SGD_iter_3.solverstate\' is of a solver of type "SGD", and this one is "Nesterov"; both '
        "keep the velocity, which goes on"
    ]
    flat = np.concatenate([array.ravel() for array in read_state(path).history])
    assert np.array_equal(solver.history[0], flat)


def test_what_means_something_else_is_warned_of(state_of, make_solver):
    solver = make_solver(TYPES["SGD"])
    solver.restore(state_of("Lion"))
    assert notes(solver) == [
        'the solver state \'Lion_iter_3.solverstate\' is of a solver of type "Lion", and this one is "SGD": the mean '
        "of gradients is taken for the velocity, so the first steps are of a wrong size; to "
        "start anew from its weights, --weights Lion_iter_3.caffemodel"
    ]


@pytest.mark.parametrize(
    ("old", "new", "theirs", "ours"),
    [
        ("SGD", "Adam", "velocity", "mean of gradients and the mean of squared gradients"),
        ("Adam", "SGD", "mean of gradients and the mean of squared gradients", "velocity"),
        ("SGD", "RMSProp", "velocity", "mean of squared gradients"),
        ("Adam", "AdaDelta", "mean of gradients and the mean of squared gradients",
         "mean of squared gradients and the mean of squared steps"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(state_of, make_solver, old, new, theirs, ours):
    """Another number of arrays; or numbers with a sign, of which roots would be taken."""
    assert refusal(make_solver(TYPES[new]), state_of(old)) == (
        f"the solver state '{old}_iter_3.solverstate' is of a solver of type \"{old}\", which keeps the {theirs} of "
        f'each parameter, but type "{new}" keeps the {ours}; go on with type: "{old}", or start anew from its weights, '
        f"--weights {old}_iter_3.caffemodel"
    )


def test_a_type_that_is_not_here(state_of, make_solver):
    """Such as one of a later version."""
    path = state_of("SGD")
    state = read_state(path)
    state.solver_type = "Sophia"
    write_state(state, path)
    assert 'is of a solver of type "Sophia", but type "SGD" keeps the velocity' in refusal(make_solver(), path)


def test_caffes_states_of_another_type(state_of, make_solver):
    """What they are shows in the number of arrays, or in a sign."""
    path = state_of("SGD", as_caffe=True)
    assert refusal(make_solver(TYPES["Adam"]), path) == (
        "the solver state 'SGD_iter_3.solverstate' holds 2 history arrays, but type \"Adam\" keeps 2 for each of the "
        "net's 2 parameters, 4 in all; it was written by a solver of type AdaGrad or Lion or Nesterov or RMSProp or "
        "SGD: go on with that, or start anew from its weights, --weights SGD_iter_3.caffemodel"
    )
    assert refusal(make_solver(TYPES["RMSProp"]), path) == (
        "the solver state 'SGD_iter_3.solverstate' holds negative numbers where type \"RMSProp\" keeps the mean of "
        "squared gradients; it was written by a solver of another type: go on with that, or start anew from its "
        "weights, --weights SGD_iter_3.caffemodel"
    )


@pytest.mark.parametrize("as_caffe", [False, True])
def test_states_of_other_nets(state_of, make_solver, net_text, as_caffe):
    path = state_of("SGD", as_caffe=as_caffe)
    other = make_solver(net=net_text.replace("num_output: 2", "num_output: 2 bias_term: false"))
    wanted = (
        "SGD\" keeps 1 for each of the net's 1 parameters, 1 in all" if as_caffe else "1 parameters have 1; it belongs"
    )
    assert wanted in refusal(other, path)
    narrow = make_solver(net=net_text.replace('bottom: "x" top: "ip"', 'bottom: "y" top: "ip"'))
    assert refusal(narrow, path) == (
        "the solver state 'SGD_iter_3.solverstate' holds history of shape 2×3 for the parameter ip/0, "
        "which has shape 2×2; it belongs to another net"
    )


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("Nesterov", 0, "both keep the velocity, which goes on"),
        ("Adam", 1, "keeps the mean of gradients and the mean of squared gradients; go on with"),
    ],
)
@pytest.mark.parametrize("option", [["--resume"], ["--snapshot", "SGD_iter_3.solverstate"]])
def test_at_the_command_line(state_of, folder, option, kind, code, said):
    state_of("SGD")
    (folder / "s.prototxt").write_text(
        f'net: "net.prototxt" snapshot_prefix: "SGD" type: "{kind}" base_lr: 0.01 lr_policy: "fixed" max_iter: 4 '
        "snapshot_after_train: false solver_mode: CPU"
    )
    result = CliRunner().invoke(main, ["train", "--solver", "s.prototxt", *option])
    assert (result.exit_code, said in result.output) == (code, True), result.output
