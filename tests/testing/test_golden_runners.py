"""The golden runners pass what is right and find every number that is not."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cafpy.backend import Backend
from cafpy.testing.golden.__main__ import main
from cafpy.testing.golden.data import run_batches
from cafpy.testing.golden.layers import run_layer
from cafpy.testing.golden.nets import run_graph
from cafpy.testing.golden.outcome import Comparison, relative_error
from cafpy.testing.golden.solvers import run_schedules, run_trajectory

GOLDEN = Path(__file__).parents[1] / "golden"


def faulty_copy(path, key, folder):
    """A copy of the recording under the same folder names, with one number of one array changed."""
    with np.load(path) as file:
        arrays = {name: np.array(file[name]) for name in file.files}
    flat = arrays[key].reshape(-1)
    finite = np.flatnonzero(np.isfinite(flat))
    flat[finite[0]] += 1 + np.abs(flat[finite]).max()
    copy = folder / path.name
    np.savez(copy, **arrays)
    return copy


@pytest.mark.parametrize(
    ("ours", "recorded", "error"),
    [
        ([1, 2], [1, 2], 0),
        ([1, 2.01], [1, 2], 0.01 / 2.01),
        (0.001, 0, 0.1),
        ([1, np.inf], [1, np.inf], 0),
        ([1, np.nan], [1, np.nan], 0),
        ([1, np.inf], [1, -np.inf], np.inf),
        ([np.nan, 1], [1, 1], np.inf),
        ([], [], 0),
    ],
)
def test_relative_error(ours, recorded, error):
    assert relative_error(ours, recorded) == pytest.approx(error)


def test_relative_error_of_a_sample():
    assert relative_error([1, 2], [1, 2.5], 9.99) == pytest.approx(0.05)


def test_shapes_must_agree():
    compare = Comparison()
    compare.array("top 0", np.zeros((2, 1)), np.zeros((2,)))
    assert compare.problems == ["top 0 has shape (2, 1), recorded is (2,)"]


def compared_keys(path):
    """The arrays of a layer's recording that the runner compares, where they hold a number that can be wrong."""
    pattern = r"(pre\d+_)?top_\d+|bottom_diff_\d+|param_(diff|after|init)_\d+|loss|loss_weights"
    with np.load(path) as file:
        return [key for key in file.files if re.fullmatch(pattern, key) and np.isfinite(file[key]).any()]


LAYERS = sorted((GOLDEN / "layers").glob("*.npz"))


@pytest.mark.parametrize("path", LAYERS, ids=lambda path: path.stem)
def test_any_wrong_number_of_a_layer_is_found(path, tmp_path):
    assert run_layer(path, Backend()).problems == []
    for key in compared_keys(path):
        wrong = run_layer(faulty_copy(path, key, tmp_path), Backend())
        random = "stochastic" in path.stem and key != "loss_weights"
        assert not wrong.passed or random, f"{key} was not compared"


def test_a_random_layer_must_keep_as_much_and_scale_as_recorded(tmp_path):
    path = GOLDEN / "layers" / "Dropout__train_stochastic.npz"
    with np.load(path) as file:
        arrays = {name: np.array(file[name]) for name in file.files}
    less = str(arrays["prototxt"]).replace("dropout_ratio: 0.5", "dropout_ratio: 0.8")
    np.savez(tmp_path / path.name, **{**arrays, "prototxt": less})
    problems = run_layer(tmp_path / path.name, Backend()).problems
    assert problems[0].startswith("top 0, where it is not zero is off by")
    assert re.match(r"keeps 0\.[12]\d* of its input, recorded is 0\.[45]\d* ± 0\.\d+", problems[1])


def test_a_missing_type_is_a_failure_that_says_so(tmp_path):
    with np.load(GOLDEN / "layers" / "ReLU__2d.npz") as file:
        arrays = dict(file)
    arrays["prototxt"] = str(arrays["prototxt"]).replace("ReLU", "ReLUU")
    np.savez(tmp_path / "ReLUU__2d.npz", **arrays)
    outcome = run_layer(tmp_path / "ReLUU__2d.npz", Backend())
    assert outcome.kind == "ReLUU"
    assert "unknown layer type 'ReLUU' (did you mean 'ReLU'?)" in outcome.problems[0]


GRAPH = GOLDEN / "graph" / "graph.json"


def graph_with(change, folder):
    graph = {"split_two_uses": json.loads(GRAPH.read_text())["split_two_uses"]}
    net = graph["split_two_uses"]["runs"][0]["net"]
    change(net)
    (folder / "graph.json").write_text(json.dumps(graph))
    return [outcome.problems for outcome in run_graph(folder / "graph.json", Backend())]


def test_a_right_graph_passes(tmp_path):
    assert graph_with(lambda net: None, tmp_path) == [[], []]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda net: net["layer"].pop(), "layer names is"),
        (lambda net: net["layer"][1].update(top=["a", "b"]), "top of layer 'data_in_0_split' is"),
        (lambda net: net["layer"][2].update(backward=True), "backward of layer 'a' is False, recorded is True"),
        (lambda net: net["layer"][2].update(param=[[3]]), "param of layer 'a' is None, recorded is [[3]]"),
        (lambda net: net["layer"][2].update(loss_weight=[1.0]), "loss_weight of layer 'a' is None"),
        (lambda net: net["blob"][0][1].append(1), "shape of blob 'data' is [2, 3, 6, 6], recorded is"),
        (lambda net: net["blob"].reverse(), "blob names is"),
        (lambda net: net["input"].clear(), "inputs is ['data'], recorded is []"),
        (lambda net: net["output"].reverse(), "outputs is ['a', 'b'], recorded is ['b', 'a']"),
        (lambda net: net.update(n_param=1), "number of parameters is 0, recorded is 1"),
        (lambda net: net.update(data_bytes=1), "bytes of all tops is"),
        (lambda net: net.update(error="bad"), "was built, recorded is the error bad"),
    ],
)
def test_any_wrong_fact_of_a_net_is_found(change, problem, tmp_path):
    first, second = graph_with(change, tmp_path)
    assert first[0].startswith(problem)
    assert second == []


def beside(folder, tmp_path):
    """A folder for changed recordings, among links to what they need."""
    root = tmp_path / "copy"
    root.mkdir()
    for entry in (GOLDEN / folder).parent.iterdir():
        if entry.name != Path(folder).name:
            (root / entry.name).symlink_to(entry)
    (root / Path(folder).name).mkdir()
    return root / Path(folder).name


@pytest.mark.parametrize("key", ["traj__ip1__0", "traj__ip2__1", "lr", "loss", "init__ip1__0"])
def test_any_wrong_number_of_a_training_run_is_found(key, tmp_path):
    path = GOLDEN / "solvers" / "traj" / "SGD__mlp__everything.npz"
    assert [outcome.problems for outcome in run_trajectory(path, Backend())] == [[]]
    wrong = list(run_trajectory(faulty_copy(path, key, beside("solvers/traj", tmp_path)), Backend()))
    assert not wrong[0].passed


@pytest.mark.parametrize("key", ["continued_traj__conv__0", "restored_traj__conv__0", "restored_loss"])
def test_any_wrong_number_after_a_snapshot_is_found(key, tmp_path):
    path = GOLDEN / "solvers" / "traj" / "Adam__conv__snap_hdf5.npz"
    assert [outcome.problems for outcome in run_trajectory(path, Backend())] == [[], []]
    wrong = run_trajectory(faulty_copy(path, key, beside("solvers/traj", tmp_path)), Backend())
    assert [outcome.passed for outcome in wrong] == ([False, True] if "continued" in key else [True, False])


def test_schedules(tmp_path):
    entry = {
        "lr_policy": "step",
        "base_lr": 1,
        "params": {"gamma": 0.5, "stepsize": 2},
        "max_iter": 9,
        "lr": [1, 1, 0.5],
    }
    wrong = {**entry, "lr": [1, 0.5, 0.5]}
    (tmp_path / "lr_schedules.json").write_text(json.dumps([entry, wrong]))
    outcomes = run_schedules(tmp_path / "lr_schedules.json", Backend())
    assert [outcome.problems for outcome in outcomes] == [
        [],
        ["rates is [1.0, 1.0, 0.5], recorded is [1.0, 0.5, 0.5]"],
    ]


@pytest.mark.parametrize("key", ["batch1__t0", "batch0__t1", "setup_shape__t0"])
def test_any_wrong_number_of_a_batch_is_found(key, tmp_path):
    path = GOLDEN / "data" / "batches" / "Data__float_mean_scale_crop.npz"
    assert [outcome.problems for outcome in run_batches(path, Backend())] == [[]]
    (wrong,) = run_batches(faulty_copy(path, key, beside("data/batches", tmp_path)), Backend())
    assert not wrong.passed


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_command_counts_by_kind_and_goes_on_after_a_failure(tmp_path):
    folder = tmp_path / "layers"
    folder.mkdir()
    shutil.copy(GOLDEN / "layers" / "ReLU__2d.npz", folder)
    shutil.copy(GOLDEN / "layers" / "Split__tops2.npz", folder)
    good = run(folder, "--plain")
    assert good.exit_code == 0
    counts = ["ReLU 1 passed 0 failed", "Split 1 passed 0 failed", "all 2 passed 0 failed"]
    assert [" ".join(line.split()) for line in good.output.splitlines()] == counts
    faulty_copy(folder / "ReLU__2d.npz", "top_0", folder)
    bad = run(folder, "--backend", "fake")
    assert bad.exit_code == 1
    assert bad.output.splitlines()[0].startswith("FAIL ReLU__2d (worst error ")
    assert "top 0 is off by" in bad.output
    assert " ".join(bad.output.splitlines()[-1].split()) == "all 1 passed 1 failed"


def test_the_command_fails_where_there_is_nothing_to_run(tmp_path):
    assert run(tmp_path).exit_code == 1
    assert run(tmp_path / "none").exit_code == 2
    assert run(GOLDEN / "layers", "--only", "no_such").exit_code == 1
