import numpy as np
import pytest

from cafpy.errors import SolverError


def test_a_loss_that_explodes_stops_the_run_and_names_the_place(make_solver):
    solver = make_solver("base_lr: 1e30")
    with pytest.raises(SolverError) as error:
        solver.solve()
    first, rest = str(error.value).split("; ", 1)
    assert first == "the loss is inf in iteration 1 (learning rate 1e+30)"
    assert rest == (
        "the first value that is not finite is in blob 'loss', made by layer 'loss' (EuclideanLoss), net.prototxt:9. "
        "Lower base_lr, set clip_gradients, or look at the data"
    )
    assert solver.iteration == 1


def test_the_last_update_is_looked_at_too(make_solver):
    with pytest.raises(SolverError, match=r"the loss is inf in iteration 1 .* in blob 'loss'"):
        make_solver("base_lr: 1e30 max_iter: 1 display: 1").solve()


def test_a_broken_parameter_is_named(make_solver):
    solver = make_solver()
    solver.step(2)
    solver.net.params["ip"][1].data[0] = np.nan
    with pytest.raises(SolverError, match=r"the loss is nan in iteration 2 .* in parameter 1 of layer 'ip'"):
        solver.step(1)


def test_broken_data_are_named(folder, make_solver):
    import h5py

    with h5py.File("data.h5", "r+") as file:
        file["x"][:] = np.inf
    with pytest.raises(SolverError, match="in blob 'x', made by layer 'data'"):
        make_solver().solve()


def test_it_goes_on_when_allowed(make_solver):
    solver = make_solver("base_lr: 1e30", allow_nan=True)
    solver.solve()
    assert solver.iteration == 6


def test_a_train_net_without_a_loss(make_solver, net_text):
    text = net_text[: net_text.index('layer { name: "loss"')]
    with pytest.raises(SolverError) as error:
        make_solver(net=text)
    assert str(error.value) == (
        "the train net 'line' has no loss, so it would learn nothing; its outputs are ip, y. Add a loss layer such as "
        "SoftmaxWithLoss (is it excluded in phase TRAIN?), or give an output a loss_weight"
    )
    solver = make_solver("display: 1", net=text, allow_no_loss=True)
    before = solver.net.params["ip"][0].data.copy()
    solver.solve()
    np.testing.assert_array_equal(solver.net.params["ip"][0].data, before)
    assert solver.observers[0].of("end")[0][2] == 0


def test_an_output_with_a_loss_weight_is_a_loss(make_solver, net_text):
    text = net_text[: net_text.index('layer { name: "loss"')].replace('top: "ip"', 'top: "ip" loss_weight: 1')
    solver = make_solver("max_iter: 1", net=text)
    solver.solve()
    assert solver.iteration == 1
