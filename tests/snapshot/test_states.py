import h5py
import numpy as np
import pytest

from cafpy.errors import WeightsError
from cafpy.proto import cafpy_pb2 as pb
from cafpy.snapshot.solver_state import SolverState
from cafpy.snapshot.states import find_learned_net, read_state, write_state


def make_state():
    position = pb.LayerPosition(net=1, layer="data/x", seed=2**64 - 1, value={"row": 3, "offset": -(2**40)})
    history = [np.arange(6, dtype=np.float32).reshape(2, 3), np.float64([0.5]), np.zeros((), np.float32)]
    return SolverState(7, "some folder/näme.caffemodel", history, 2, [position])


@pytest.mark.parametrize("name", ["s.solverstate", "s.solverstate.h5"])
def test_what_is_written_is_read(tmp_path, name):
    state = make_state()
    write_state(state, tmp_path / name)
    read = read_state(tmp_path / name)
    assert (read.iteration, read.learned_net, read.current_step) == (7, state.learned_net, 2)
    assert read.layer_positions == state.layer_positions
    for ours, theirs in zip(read.history, state.history, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_caffes_fields_come_first_and_ours_are_out_of_its_way(tmp_path):
    write_state(make_state(), tmp_path / "s.solverstate")
    numbers = [
        field.number for field, _ in pb.SolverState.FromString((tmp_path / "s.solverstate").read_bytes()).ListFields()
    ]
    assert numbers == [1, 2, 3, 4, 90001, 90005]


@pytest.mark.parametrize("solver", ["SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"])
def test_caffes_own_files(golden, solver):
    folder = golden / "solvers/snap"
    binary = read_state(folder / f"{solver}__conv__snap_binaryproto_iter_10.solverstate")
    hdf5 = read_state(folder / f"{solver}__conv__snap_hdf5_iter_10.solverstate.h5")
    assert binary.iteration == hdf5.iteration == 10
    assert binary.current_step == hdf5.current_step
    assert hdf5.learned_net == f"snap/{solver}__conv__snap_hdf5_iter_10.caffemodel.h5"
    assert len(binary.history) == (12 if solver in ("AdaDelta", "Adam") else 6)
    for ours, theirs in zip(binary.history, hdf5.history, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_hdf5_is_laid_out_as_caffes(golden, tmp_path):
    theirs = golden / "solvers/snap/Adam__conv__snap_hdf5_iter_10.solverstate.h5"
    write_state(read_state(theirs), tmp_path / "s.solverstate.h5")

    def layout(path):
        entries = {}
        with h5py.File(path) as file:
            file.visititems(
                lambda name, node: entries.update({name: (node.shape, node.dtype)} if hasattr(node, "dtype") else {})
            )
        return entries

    assert layout(tmp_path / "s.solverstate.h5") == layout(theirs)


def test_the_weights_are_looked_for_where_the_state_says_and_then_beside_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    state = SolverState(1, "runs/m.caffemodel", [])
    (tmp_path / "moved").mkdir()
    (tmp_path / "moved/m.caffemodel").touch()
    path = tmp_path / "moved/m.solverstate"
    assert find_learned_net(state, path) == tmp_path / "moved/m.caffemodel"
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/m.caffemodel").touch()
    assert find_learned_net(state, path).as_posix() == "runs/m.caffemodel"
    with pytest.raises(WeightsError) as error:
        find_learned_net(SolverState(1, "x/y.caffemodel", []), "z/y.solverstate")
    assert str(error.value) == (
        "the weights 'x/y.caffemodel' that belong to the solver state 'z/y.solverstate' are not there: "
        f"neither in {tmp_path} nor as z/y.caffemodel; put the file beside the state"
    )


def test_errors(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("s.solverstate", "s.solverstate.h5"):
        write_state(make_state(), name)
        (tmp_path / f"cut-{name}").write_bytes((tmp_path / name).read_bytes()[:-40])
    (tmp_path / "text.solverstate").write_text("iter: 3")
    model = pb.NetParameter(name="n")
    model.layer.add(name="a", type="ReLU")
    (tmp_path / "m.caffemodel").write_bytes(model.SerializeToString())
    with h5py.File("m.caffemodel.h5", "w") as file:
        file.create_group("data")
    for name, text in [
        ("nope.solverstate", f"the solver state 'nope.solverstate' does not exist (looked in {tmp_path})"),
        ("cut-s.solverstate", "its content breaks off or is damaged"),
        ("cut-s.solverstate.h5", "cannot be read as a solver state; it is damaged or breaks off"),
        ("text.solverstate", "it is a text file"),
        (
            "m.caffemodel",
            "m.caffemodel is a weight file, not a solver state; give it as --weights",
        ),
        ("m.caffemodel.h5", "it has no 'iter' and 'history' (it is a weight file)"),
    ]:
        with pytest.raises(WeightsError) as error:
            read_state(name)
        assert text in str(error.value)
