"""Fixtures of all tests: the conformance data beside the repository, where it is there."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder ../shared (data, weights, nets); the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared, which is not here")
    return SHARED


@pytest.fixture(scope="session")
def golden() -> Path:
    """What the real Caffe computed: ../shared/golden, or the folder that CAFPY_GOLDEN names."""
    path = Path(os.environ.get("CAFPY_GOLDEN", SHARED / "golden"))
    if not path.is_dir():
        pytest.skip("needs ../shared/golden (or CAFPY_GOLDEN), which is not here")
    return path
