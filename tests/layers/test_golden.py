"""Every layer gives Caffe's numbers: the recorded cases, in the plain and in the fast bodies."""

import importlib.util
import os
from pathlib import Path

import pytest

from cafpy.backend import Backend, CpuBackend, GpuBackend
from cafpy.errors import BackendError
from cafpy.testing.fake_device import FakeBackend
from cafpy.testing.golden.layers import run_layer

TESTS = Path(__file__).parents[1]
COPIED = TESTS / "golden" / "layers"
SHARED = Path(os.environ.get("CAFPY_GOLDEN", TESTS.parents[1] / "shared" / "golden")) / "layers"
BACKENDS = {"plain": Backend, "fast": CpuBackend, "fake_device": FakeBackend}
if importlib.util.find_spec("cupy"):
    BACKENDS["gpu"] = GpuBackend


def records() -> list[Path]:
    """The recorded cases: the copied ones, and those that only the full set has."""
    copied = sorted(COPIED.glob("*.npz"))
    names = {path.name for path in copied}
    return copied + sorted(path for path in SHARED.glob("*.npz") if path.name not in names)


@pytest.fixture(scope="module", params=BACKENDS, ids=list(BACKENDS))
def backend(request) -> Backend:
    try:
        return BACKENDS[request.param]()
    except BackendError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("path", records(), ids=lambda path: path.stem)
def test_layer_as_recorded(path, backend):
    outcome = run_layer(path, backend)
    assert outcome.passed, "; ".join(outcome.problems)


def test_every_recorded_type_is_copied():
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/golden/layers, which is not here")
    types = {path.name.split("__")[0] for path in SHARED.glob("*.npz")}
    assert {path.name.split("__")[0] for path in COPIED.glob("*.npz")} == types
