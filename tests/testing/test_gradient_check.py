"""The gradient check finds wrong gradients, and says where."""

from pathlib import Path

import numpy as np
import pytest

from cafpy import registry
from cafpy.testing.case import Case, build
from cafpy.testing.gradient import check_gradient


@pytest.fixture(autouse=True)
def plugged_in(monkeypatch):
    monkeypatch.setattr(registry, "_plugged_in", {})
    registry.plug_in(Path(__file__).with_name("faulty_layers.py"))


def test_the_message_names_case_blob_entry_and_both_values():
    case = Case("faulty", 'type: "WrongGradient"', [np.array([[1.0, 2.0]])])
    with pytest.raises(AssertionError) as error:
        check_gradient(case)
    above = np.random.default_rng(1).standard_normal(2)
    ours, numeric = (f"{above[1] * 0.5 * 3 * 4 * factor:.9g}" for factor in (1.001, 1))
    assert str(error.value) == (
        f"WrongGradient 'faulty': the gradient of bottom 0 at (0, 1) is {ours} by backward, "
        f"{numeric} by differences of forward; 2 of 2 entries differ"
    )


def test_a_gradient_of_zero_everywhere_checks_nothing():
    with pytest.raises(
        AssertionError, match="the gradient of parameter 0 is 0 everywhere, so this case checks nothing"
    ):
        check_gradient(Case("zeros", 'type: "Good"', [np.zeros((2, 2))]))


def test_only_the_named_bottoms_are_compared():
    check_gradient(Case("none", 'type: "WrongGradient"', [(2, 3)], gradient=()))
    with pytest.raises(AssertionError):
        check_gradient(Case("named", 'type: "WrongGradient"', [(2, 3)], gradient=[0]))


def test_a_sample_of_a_large_blob_suffices():
    with pytest.raises(AssertionError, match="10 of 10 entries differ"):
        check_gradient(Case("large", 'type: "WrongGradient"', [(50, 40)]), samples=10)


def test_random_draws_are_repeated():
    check_gradient(Case("random", 'type: "Draws"', [(2, 3)], stochastic=True))


def test_bottoms_stay_away_from_kinks():
    near = Case("kinks", 'type: "Good"', [(100, 100)], kinks=(0, 1)).values()[0]
    assert np.abs(near).min() >= 0.05
    assert np.abs(near - 1).min() >= 0.05


def test_a_case_gives_the_same_numbers_in_every_run():
    a, b = (Case("one", 'type: "Good"', [(3, 4)]).values()[0] for _ in range(2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, Case("one", 'type: "Good"', [(3, 4)], seed=1).values()[0])


def test_build_fills_what_the_case_says():
    harness = build(Case("one", 'type: "Good"', [np.array([[1, 2]])], params=[[3]]))
    assert harness.forward()[0].tolist() == [[3, 24]]
    assert harness.top[0].shape == (1, 2)


def test_files_are_there_while_the_case_runs():
    case = Case("files", 'type: "Good"', [(2,)], files=lambda folder: (folder / "list.txt").write_text("here"))
    before = Path.cwd()
    with case.folder():
        assert Path("list.txt").read_text() == "here"
    assert Path.cwd() == before
