"""docs/solver-rules.md is up to date, and every update rule has a formula and its source in it."""

import importlib.util
import re
from pathlib import Path

import pytest

from cafpy.solvers.update_rule import solver_types

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def page():
    spec = importlib.util.spec_from_file_location("make_solver_docs", ROOT / "tools" / "make_solver_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.page()


def test_the_page_is_up_to_date(page):
    assert (ROOT / "docs" / "solver-rules.md").read_text("utf-8") == page, "run python tools/make_solver_docs.py"


@pytest.mark.parametrize("name", solver_types())
def test_formula_and_source(page, name):
    section = page.split(f"## {name}\n")[1].split("\n## ")[0]
    assert re.search(r"^    w ← w", section, re.MULTILINE)
    assert re.search(r"^Source: \w.*(19|20)\d\d", section, re.MULTILINE | re.DOTALL)
