import numpy as np
import pytest

from cafpy.errors import WeightsError
from cafpy.files import atomic_write
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.snapshot.newest import check_snapshot, file_crc, newest_snapshot, remove_unfinished
from cafpy.snapshot.solver_state import SolverState
from cafpy.snapshot.states import write_state
from cafpy.snapshot.weights import write_weights

NET = """
layer { name: "in" type: "Input" top: "in" input_param { shape { dim: 1 dim: 4 } } }
layer { name: "ip" type: "InnerProduct" bottom: "in" top: "ip" inner_product_param { num_output: 3 } }
"""


@pytest.fixture(params=["", ".h5"])
def snapshots(tmp_path, monkeypatch, request):
    """Writes the snapshots run_iter_<n> for these n in the working directory; returns the states' paths."""
    monkeypatch.chdir(tmp_path)
    net = Net(parse(NET, pb.NetParameter()))

    def write(*iterations):
        states = []
        for n in iterations:
            model = tmp_path / f"run_iter_{n}.caffemodel{request.param}"
            write_weights(net, model)
            position = pb.LayerPosition(layer="data", value={"position": n})
            state = SolverState(n, model.name, [np.arange(1000.0), np.ones(2)], 0, [position], file_crc(model))
            states.append(tmp_path / f"run_iter_{n}.solverstate{request.param}")
            write_state(state, states[-1])
        return states

    return write


def test_the_highest_iteration_of_this_prefix_wins(snapshots, tmp_path):
    snapshots(9, 100, 20)
    (tmp_path / "run_iter_200.solverstate.tmp").touch()
    (tmp_path / "other_run_iter_300.solverstate").touch()
    found = newest_snapshot("run")
    assert found.state is not None and found.state.name.startswith("run_iter_100.")
    assert found.skipped == []


def test_none(tmp_path):
    found = newest_snapshot(str(tmp_path / "run"))
    assert (found.state, found.skipped) == (None, [])


@pytest.mark.parametrize("what", ["state", "weights"])
@pytest.mark.parametrize("damage", ["cut", "flip", "gone"])
def test_a_damaged_one_is_named_and_passed_over(snapshots, what, damage):
    good, bad = snapshots(10, 20)
    path = bad if what == "state" else bad.with_name(bad.name.replace("solverstate", "caffemodel"))
    content = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[: len(content) * 2 // 3])
    else:  # the exponent of a number of the history, or of the weights
        number = np.float64(500).tobytes() if what == "state" else bytes(8)
        place = content.index(number)
        content[place + 7] ^= 64
        path.write_bytes(content)
    found = newest_snapshot("run")
    assert found.state is not None and found.state.name == good.name
    assert len(found.skipped) == (0 if damage == "gone" and what == "state" else 1)
    assert all(path.name in text for text in found.skipped)


def test_a_state_cut_between_two_fields_is_not_taken_for_a_whole_one(snapshots, tmp_path):
    """Protobuf reads it without complaint: the layers' positions would be missing, and the data would start again."""
    (state,) = snapshots(10)
    if state.suffix == ".h5":
        pytest.skip("HDF5 knows its length")
    whole = pb.SolverState.FromString(state.read_bytes())
    tail = pb.SolverState(layer_position=whole.layer_position, learned_net_crc=whole.learned_net_crc)
    state.write_bytes(state.read_bytes()[: -len(tail.SerializeToString())])
    assert pb.SolverState.FromString(state.read_bytes()).iter == 10
    with pytest.raises(WeightsError) as error:
        check_snapshot(state)
    assert str(error.value) == f"{state} is damaged or breaks off: its content does not fit its checksum"


def test_the_weights_of_another_run(snapshots, tmp_path):
    state = snapshots(10)[0]
    model = state.with_name(state.name.replace("solverstate", "caffemodel"))
    net = Net(parse(NET.replace("num_output: 3", "num_output: 2"), pb.NetParameter()))
    write_weights(net, model)
    with pytest.raises(WeightsError) as error:
        check_snapshot(state)
    assert str(error.value) == (
        f"{model.name} is damaged, breaks off, or belongs to another run: its solver state has another checksum"
    )


@pytest.mark.parametrize("suffix", [".solverstate", ".caffemodel", ".ema.caffemodel.h5", ".solverstate.h5"])
def test_what_a_killed_run_left_unfinished_is_removed(tmp_path, monkeypatch, suffix):
    monkeypatch.chdir(tmp_path)
    kept = ["run_iter_3.solverstate", ".other_iter_3.caffemodel.0123abcd.caffemodel", ".run_iter_3.caffemodel"]
    for name in kept:
        (tmp_path / name).touch()
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr("pathlib.Path.unlink", lambda *_, **__: None)  # as if killed before it cleans up
        with pytest.raises(KeyboardInterrupt), atomic_write(tmp_path / f"run_iter_4{suffix}") as temporary:
            temporary.write_bytes(b"half")
    assert len(list(tmp_path.iterdir())) == 4
    remove_unfinished("run")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
