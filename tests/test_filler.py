"""Fillers draw what Caffe's draw: statistics of its own runs (tests/golden/fillers.tsv), exact values of the rest."""

import csv
from pathlib import Path

import numpy as np
import pytest

from cafpy.errors import NetError
from cafpy.filler import FILLERS, fill
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse

GOLDEN = Path(__file__).parent / "golden"
COUNT = 100_000
SIGMAS = 6


def options(text):
    return parse(text, pb.FillerParameter())


def rows():
    """One dict a filler and shape: n values drawn by Caffe, and their statistics."""
    with (GOLDEN / "fillers.tsv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def drawn(row):
    shape = tuple(map(int, row["shape"].split("x")))
    rng = np.random.default_rng(7)
    times = max(1, COUNT // int(np.prod(shape)))
    return np.concatenate([np.ravel(fill(options(row["filler"]), shape, rng)) for _ in range(times)]).astype(np.float64)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["filler"].replace("type: ", "") + " " + row["shape"])
def test_distribution_as_recorded(row):
    ours = drawn(row)
    recorded = {key: float(row[key]) for key in ("n", "mean", "var", "min", "max", "zeros")}
    n, n_recorded = ours.size, recorded["n"]
    both = np.sqrt(1 / n + 1 / n_recorded)
    fourth = np.mean((ours - ours.mean()) ** 4)
    rounding = 1e-5 * abs(recorded["mean"])  # six digits are recorded

    assert ours.mean() == pytest.approx(recorded["mean"], abs=SIGMAS * ours.std() * both + rounding)
    spread = np.sqrt(max(fourth - ours.var() ** 2, 0)) * both
    assert ours.var() == pytest.approx(recorded["var"], abs=SIGMAS * spread + 1e-5 * recorded["var"] + 1e-14)
    zeros = recorded["zeros"]
    assert np.mean(ours == 0) == pytest.approx(zeros, abs=SIGMAS * np.sqrt(zeros * (1 - zeros)) * both + 1e-5)
    for percent in (1, 25, 75, 99):
        value, p = float(row[f"p{percent}"]), percent / 100
        slack = SIGMAS * np.sqrt(p * (1 - p)) * both + 1e-3
        near = 1e-4 * abs(value) + 1e-12  # four digits are recorded
        assert np.mean(ours < value - near) < p + slack
        assert np.mean(ours <= value + near) > p - slack


@pytest.mark.parametrize(
    "row", [row for row in rows() if any(t in row["filler"] for t in ("constant", "uniform", "xavier"))]
)
def test_limits_as_recorded(row):
    ours = drawn(row)
    low, high = float(row["min"]), float(row["max"])
    near = 1e-3 * (high - low) + 1e-6
    assert ours.min() == pytest.approx(low, abs=near)
    assert ours.max() == pytest.approx(high, abs=near)


def test_every_filler_is_recorded_or_exact():
    recorded = {options(row["filler"]).type for row in rows()}
    assert set(FILLERS) == recorded | {"bilinear"}


def test_positive_unitball_inputs_of_an_output_sum_to_1():
    values = fill(options('type: "positive_unitball"'), (5, 3, 2, 2), np.random.default_rng(0))
    assert np.allclose(values.reshape(5, -1).sum(axis=1), 1)


def test_sparse_keeps_about_that_many_outputs_of_each_input():
    values = fill(options('type: "gaussian" std: 1 sparse: 30'), (300, 1000), np.random.default_rng(0))
    kept = (values != 0).sum(axis=0)
    assert abs(kept.mean() - 30) < 1
    assert kept.std() > 3  # about, not exactly: Caffe decides for each weight by itself


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 8])
def test_bilinear_exact(size):
    with np.load(GOLDEN / "fillers_bilinear.npz") as recorded:
        plane = recorded[f"k{size}"]
    values = fill(options('type: "bilinear"'), (3, 2, size, size), np.random.default_rng(0))
    assert values.shape == (3, 2, size, size)
    assert np.allclose(values, plane, rtol=0, atol=1e-6)


def test_one_seed_gives_one_set_of_values():
    for name in FILLERS:
        a, b, c = (
            fill(options(f'type: "{name}" value: 3'), (2, 3, 4, 4), np.random.default_rng(seed)) for seed in (1, 1, 2)
        )
        assert np.array_equal(a, b)
        assert np.array_equal(a, c) == (name in ("constant", "bilinear"))


@pytest.mark.parametrize("name", ["constant", "uniform", "gaussian", "positive_unitball", "xavier", "msra"])
def test_a_blob_without_axes_holds_one_value(name):
    assert np.shape(fill(options(f'type: "{name}"'), (), np.random.default_rng(0))) == ()


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        (
            'type: "xaviar"',
            (2, 3),
            "unknown filler type 'xaviar' (did you mean 'xavier'?); "
            "there are bilinear, constant, gaussian, msra, positive_unitball, uniform, xavier",
        ),
        ('type: "uniform" min: 1 max: 0.5', (2,), "filler 'uniform' has min 1 above max 0.5"),
        ('type: "gaussian" std: -0.1', (2,), "filler 'gaussian' has std -0.1; it must not be negative"),
        (
            'type: "gaussian" sparse: 5',
            (4, 10),
            "filler 'gaussian' has sparse 5, more than the 4 outputs of the blob",
        ),
        ('type: "bilinear"', (2, 3), "filler 'bilinear' needs a blob of 4 axes with a square kernel, not 2×3"),
        (
            'type: "bilinear"',
            (2, 3, 4, 5),
            "filler 'bilinear' needs a blob of 4 axes with a square kernel, not 2×3×4×5",
        ),
    ],
)
def test_errors(text, shape, message):
    with pytest.raises(NetError) as error:
        fill(options(text), shape, np.random.default_rng(0))
    assert str(error.value) == message
