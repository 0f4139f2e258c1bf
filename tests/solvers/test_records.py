"""Tests over all records, and lengths in epochs."""

import numpy as np
import pytest

from cafpy.errors import SolverError
from cafpy.feed.convert.arrays import convert_arrays

LMDB = """
name: "images"
layer { name: "data" type: "Data" top: "x" top: "label" include { phase: TRAIN }
  data_param { source: "lmdb" batch_size: 4 backend: LMDB } }
layer { name: "data" type: "Data" top: "x" top: "label" include { phase: TEST }
  data_param { source: "lmdb" batch_size: BATCH backend: LMDB rand_skip: 6 } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


@pytest.fixture
def images(folder):
    rng = np.random.default_rng(2)
    data, labels = rng.integers(0, 3, (11, 1, 3, 2), np.uint8), rng.integers(0, 3, 11)
    convert_arrays(data, labels, folder / "lmdb")
    return data.reshape(11, 6).astype(float), labels


def mean_scores(solver, data, labels):
    """Accuracy and loss over the whole data, from the weights."""
    weight, bias = (blob.data for blob in solver.net.params["ip"])
    z = data @ weight.T + bias
    losses = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]
    return np.mean(z.argmax(axis=1) == labels), losses.mean()


@pytest.mark.parametrize("batch", [4, 11, 1, 5, 30])
def test_every_record_counts_once_in_every_test(images, make_solver, batch):
    solver = make_solver("test_interval: 2 test_compute_loss: true", net=LMDB.replace("BATCH", str(batch)))
    for _ in range(3):
        solver.test_all()
        scores = solver.observers[0].of("test")[-1][3]
        accuracy, loss = mean_scores(solver, *images)
        assert [float(output.values[0]) for output in scores.outputs] == pytest.approx([accuracy, loss], rel=1e-5)
        assert scores.loss == pytest.approx(loss, rel=1e-5)
        solver.step(1)


def test_hdf5(folder, make_solver):
    """Ten rows in batches of 5 and of 3 give one mean."""
    results = []
    for batch in ("5", "3"):
        net = (folder / "net.prototxt").read_text().replace("batch_size: 5", f"batch_size: {batch}")
        solver = make_solver("test_interval: 3 max_iter: 6", net=net)
        solver.solve()
        results.append([entry[3].outputs[0].values[0] for entry in solver.observers[0].of("test")])
    assert len(results[0]) == 3
    assert results[0] == pytest.approx(results[1], rel=1e-5)


def test_epochs(folder, make_solver):
    assert make_solver(epochs(3)).param.max_iter == 8  # 30 of 10 rows, 4 at once
    assert make_solver(epochs(3) + "iter_size: 2").param.max_iter == 4
    solver = make_solver(epochs(2) + 'lr_policy: "poly" power: 1 base_lr: 1 display: 1')
    solver.solve()
    assert solver.iteration == 5
    assert [entry[2].rate for entry in solver.observers[0].of("display")] == pytest.approx(
        [1, 0.8, 0.6, 0.4, 0.2, 0][:5]
    )


def epochs(count):
    return f"max_epoch: {count} "


DUMMY = """
name: "dummy"
layer { name: "data" type: "DummyData" top: "x" top: "y" dummy_data_param { shape { dim: 4 dim: 2 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 2 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "y" top: "loss" }
"""


@pytest.mark.parametrize(
    ("text", "net", "message"),
    [
        (
            "test_interval: 5",
            DUMMY,
            "a test without test_iter needs the number of records, but no layer of net 'dummy' knows it (Data, "
            "ImageData and HDF5Data do); give test_iter, the number of batches of a test",
        ),
        (
            "max_epoch: 5",
            DUMMY,
            "max_epoch needs the number of records, but no layer of net 'dummy' knows it (Data, ImageData and HDF5Data "
            "do); give max_iter instead",
        ),
        (
            "max_epoch: 5 max_iter: 5",
            DUMMY,
            "the solver gives its length twice, as max_iter and as max_epoch; keep one",
        ),
        ("max_epoch: 0", DUMMY, "max_epoch is 0; it must be at least 1"),
    ],
)
def test_errors(folder, make_solver, text, net, message):
    with pytest.raises(SolverError) as error:
        make_solver(text, net=net)
    assert str(error.value) == message
