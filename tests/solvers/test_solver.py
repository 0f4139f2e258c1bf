import numpy as np
import pytest

from cafpy.errors import SolverError
from cafpy.solvers.observer import Observer
from cafpy.solvers.solver import Solver


def told(solver, *events):
    return solver.observers[0].of(*events)


def test_learns_the_line(make_solver):
    solver = make_solver('base_lr: 0.2 max_iter: 300 type: "Adam" momentum: 0.9')
    solver.solve()
    weight, bias = (blob.data for blob in solver.net.params["ip"])
    np.testing.assert_allclose(weight, [[1, 3, 5], [2, 4, 6]], atol=1e-3)
    np.testing.assert_allclose(bias, 0, atol=1e-3)


def test_what_is_told_when(make_solver):
    solver = make_solver("test_iter: 2 test_interval: 4 display: 3 max_iter: 8")
    solver.solve()
    kinds = [(name, iteration) for name, iteration, *_ in solver.observers[0].told if name != "iteration"]
    assert kinds == [
        ("start", 0),
        ("test_start", 0),
        ("test", 0),
        ("display", 0),
        ("display", 3),
        ("test_start", 4),
        ("test", 4),
        ("display", 6),
        ("test_start", 8),
        ("test", 8),
        ("end", 8),
    ]
    assert [iteration for _, iteration in told(solver, "iteration")] == list(range(1, 9))
    assert told(solver, "end")[0][2] is None  # 8 is no multiple of display
    display = told(solver, "display")[1][2]
    assert (display.iteration, display.iterations, display.rate) == (3, 3, pytest.approx(0.05))
    assert display.seconds > 0
    (output,) = display.outputs
    assert (output.name, output.loss_weight) == ("loss", 1)
    assert output.values.tolist() == [pytest.approx(display.loss)]


def test_the_first_test_can_be_left_out(make_solver):
    solver = make_solver("test_iter: 1 test_interval: 4 test_initialization: false")
    solver.solve()
    assert [entry[1] for entry in told(solver, "test")] == [4]


def test_scores_are_means_over_the_test_passes(make_solver):
    solver = make_solver("test_iter: 2 test_interval: 100 test_compute_loss: true")
    solver.test_all()
    (entry,) = told(solver, "test")
    _, _, index, scores = entry
    net = solver.test_nets[0]
    losses = []
    for _ in range(2):
        net.forward()
        losses.append(net.loss())
    assert index == 0
    assert scores.loss == pytest.approx(np.mean(losses))
    assert scores.outputs[0].values.tolist() == [pytest.approx(np.mean(losses))]
    solver.param.test_compute_loss = False
    solver.test_all()
    assert told(solver, "test")[1][3].loss is None


def test_test_nets_use_the_train_nets_parameters(make_solver):
    solver = make_solver("test_iter: 1 test_interval: 100")
    solver.step(2)
    ours, theirs = solver.net.params["ip"][0].data, solver.test_nets[0].params["ip"][0].data
    assert np.shares_memory(ours, theirs)


def test_a_loss_is_averaged_over_the_last_iterations(make_solver):
    single, average = make_solver("display: 1"), make_solver("display: 1 average_loss: 3")
    for solver in (single, average):
        solver.solve()
    losses = [entry[2].loss for entry in told(single, "display")]
    means = [entry[2].loss for entry in told(average, "display")]
    assert means == pytest.approx([np.mean(losses[max(0, i - 2) : i + 1]) for i in range(6)])
    assert told(average, "end")[0][2] == pytest.approx(
        (told(single, "end")[0][2] + losses[-1] + losses[-2]) / 3
    )  # one forward pass more, without an update


def test_iter_size_sums_the_gradients_of_several_passes(make_solver):
    """Two passes of 4 rows give the mean of both gradients."""
    one, two = make_solver(), make_solver("iter_size: 2")
    gradients = []
    for _ in range(2):
        one.net.clear_param_diffs()
        one.net.forward()
        one.net.backward()
        gradients.append(one.net.params["ip"][0].diff.copy())
    before = two.net.params["ip"][0].data.copy()
    two.step(1)
    np.testing.assert_allclose(before - two.net.params["ip"][0].data, 0.05 * np.mean(gradients, axis=0), rtol=1e-4)


class Requests(Observer):
    """Asks for something in one iteration, or when a test begins."""

    def __init__(self, event, iteration, *methods):
        self.event, self.iteration, self.methods = event, iteration, methods

    def ask(self, event, solver):
        if (event, solver.iteration) == (self.event, self.iteration):
            for method in self.methods:
                getattr(solver, method)()

    def on_iteration(self, solver):
        self.ask("iteration", solver)

    def on_test_start(self, solver, index):
        self.ask("test_start", solver)


def test_stops_after_the_iteration_in_which_it_is_asked(make_solver):
    solver = make_solver("snapshot_after_train: true display: 1")
    solver.observers.append(Requests("iteration", 3, "request_stop"))
    solver.solve()
    assert solver.iteration == 3
    assert [entry[0] for entry in told(solver, "snapshot", "stop", "end")] == ["snapshot", "stop"]
    assert told(solver, "snapshot")[0][2].name == "net_iter_3.caffemodel"
    solver.solve()  # asked once, stopped once
    assert solver.iteration == 6
    assert len(told(solver, "end")) == 1


def test_stops_between_two_test_passes(make_solver):
    solver = make_solver("test_iter: 5 test_interval: 2")
    solver.observers.append(Requests("test_start", 2, "request_snapshot", "request_stop"))
    solver.solve()
    assert solver.iteration == 2
    assert [entry[:2] for entry in told(solver, "test_start", "test", "snapshot", "stop")] == [
        ("test_start", 0),
        ("test", 0),
        ("test_start", 2),
        ("snapshot", 2),
        ("stop", 2),
    ]


def test_a_snapshot_on_request_does_not_stop(make_solver):
    solver = make_solver()
    solver.observers.append(Requests("iteration", 2, "request_snapshot"))
    solver.solve()
    assert [entry[1] for entry in told(solver, "snapshot")] == [2]
    assert solver.iteration == 6


def test_debug_info_in_iterations_that_are_displayed(make_solver):
    solver = make_solver("debug_info: true display: 4 max_iter: 2")
    solver.solve()
    lines = [entry[2] for entry in told(solver, "debug_info")]
    words = [line.rsplit(" ", 1)[0] for line in lines]
    assert words[:-1] == [
        "    [Forward] Layer data, top blob x data:",
        "    [Forward] Layer data, top blob y data:",
        "    [Forward] Layer ip, top blob ip data:",
        "    [Forward] Layer ip, param blob 0 data:",
        "    [Forward] Layer ip, param blob 1 data:",
        "    [Forward] Layer loss, top blob loss data:",
        "    [Backward] Layer loss, bottom blob ip diff:",
        "    [Backward] Layer ip, param blob 0 diff:",
        "    [Backward] Layer ip, param blob 1 diff:",
    ]
    assert lines[-1].startswith("    [Backward] All net params (data, diff): L1 norm = (")


def test_steps_of_the_learning_rate_are_told(make_solver):
    solver = make_solver('lr_policy: "multistep" gamma: 0.5 stepvalue: 2 stepvalue: 3')
    solver.solve()
    assert told(solver, "lr_step") == [("lr_step", 2, 1), ("lr_step", 3, 2)]


def test_one_seed_gives_one_run(make_solver):
    def parameters(text, **options):
        solver = make_solver(text, **options)
        solver.step(3)
        return solver.net.params["ip"][0].data.tolist()

    assert parameters("random_seed: 3") == parameters("random_seed: 3") == parameters("random_seed: 4", seed=3)
    assert parameters("random_seed: 3") != parameters("random_seed: 4")
    assert parameters("random_seed: -1") != parameters("random_seed: -1")


def test_a_solver_file_finds_its_net_and_its_weights_from_anywhere(folder):
    (folder / "run").mkdir()
    (folder / "run/net.prototxt").write_text((folder / "net.prototxt").read_text())
    (folder / "run/solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 1 solver_type: NESTEROV weights: "w.caffemodel"'
    )
    (folder / "net.prototxt").unlink()
    with pytest.raises(ValueError, match="the weight file 'w"):
        Solver.from_file("run/solver.prototxt")
    maker = Solver.from_file(plain_copy(folder), seed=1)
    maker.snapshot()
    (folder / "run/plain_iter_0.caffemodel").rename(folder / "run/w.caffemodel")
    solver = Solver.from_file("run/solver.prototxt", seed=2)
    assert solver.param.type == "Nesterov"
    np.testing.assert_array_equal(solver.net.params["ip"][0].data, maker.net.params["ip"][0].data)
    solver.solve()
    assert (folder / "run/solver_iter_1.caffemodel").is_file()


def plain_copy(folder):
    """The solver without its weights line."""
    text = (folder / "run/solver.prototxt").read_text()
    path = folder / "run/plain.prototxt"
    path.write_text(text[: text.index("weights")])
    return path


def test_solve_needs_max_iter_but_step_does_not(make_solver):
    solver = make_solver()
    solver.param.ClearField("max_iter")
    solver.step(2)
    assert solver.iteration == 2
    with pytest.raises(SolverError) as error:
        solver.solve()
    assert str(error.value) == (
        "the solver has no max_iter, so it would train for no iteration; write `max_iter: 10000`"
    )


@pytest.mark.parametrize(("length", "end"), [("max_iter: 5", 5), ("max_iter: 4", 4), ("max_epoch: 1", 3)])
def test_a_state_at_the_end_has_nothing_left(make_solver, length, end):
    make_solver('snapshot_prefix: "s" snapshot_after_train: true max_iter: 5').solve()
    solver = make_solver(f'snapshot_prefix: "s" snapshot_after_train: true {length}')
    solver.solve(resume_from="s_iter_5.solverstate")
    said = (
        f"Nothing is left to train: s_iter_5.solverstate is of iteration 5, and training ends at {end}; to go on, set "
    )
    assert [note for _, _, note in told(solver, "note")] == [f"{said}a larger max_iter (or max_epoch)"]
    assert solver.iteration == 5 and not told(solver, "iteration", "snapshot")


def test_a_state_before_the_end_says_nothing(make_solver):
    make_solver('snapshot_prefix: "s" snapshot_after_train: true max_iter: 5').solve()
    solver = make_solver('snapshot_prefix: "s" snapshot_after_train: true max_iter: 6')
    solver.solve(resume_from="s_iter_5.solverstate")
    assert solver.iteration == 6 and not told(solver, "note") and told(solver, "snapshot")
