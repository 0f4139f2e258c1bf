"""Whole nets as the real Caffe built and ran them: wiring of mini nets, structure of public nets, their numbers."""

import json
import os
from pathlib import Path

import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.testing.golden.net_runs import run_net_numbers
from cafpy.testing.golden.nets import run_graph, run_net

TESTS = Path(__file__).parent
KIT = Path(os.environ.get("CAFPY_GOLDEN", TESTS.parents[1] / "shared" / "golden"))


def files(folder):
    """The kit's recordings of this folder; none where the kit is absent."""
    return sorted((KIT / folder).glob("*.json"))


def assert_passed(outcomes):
    failed = [f"{outcome.name}: {'; '.join(outcome.problems)}" for outcome in outcomes if not outcome.passed]
    assert not failed


def test_mini_nets():
    outcomes = list(run_graph(TESTS / "golden" / "graph" / "graph.json", Backend()))
    graphs = json.loads((TESTS / "golden" / "graph" / "graph.json").read_text())
    assert len(outcomes) == sum(len(graph["runs"]) for graph in graphs.values())
    assert_passed(outcomes)


@pytest.mark.parametrize("path", files("nets"), ids=lambda path: path.stem)
def test_public_net_is_built_as_by_caffe(path):
    assert_passed(run_net(path, Backend()))


@pytest.mark.parametrize("path", files("nets_run"), ids=lambda path: path.stem)
def test_public_net_gives_caffes_numbers(path):
    assert_passed(run_net_numbers(path, CpuBackend()))
