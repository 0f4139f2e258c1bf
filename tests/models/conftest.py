"""Where the models are, and tools/make_models_table.py as a module."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def catalogue() -> ModuleType:
    """tools/make_models_table.py."""
    path = ROOT / "tools" / "make_models_table.py"
    spec = importlib.util.spec_from_file_location("make_models_table", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
