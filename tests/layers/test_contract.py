"""Every layer keeps the contract, in each case of its own test file: tests/layers/test_<file>.py, ``CASES``.

The subjects are found, not listed: a layer whose test file or cases are missing fails here.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend, GpuBackend
from cafpy.errors import BackendError
from cafpy.registry import layer_class, layer_types
from cafpy.testing.contract import check_device, check_layer
from cafpy.testing.run import run_case

HERE = Path(__file__).parent


def cases_of(layer_type: str) -> list:
    """The cases of this type in its test file. Raises LookupError that says what is missing."""
    file = HERE / f"test_{layer_class(layer_type).__module__.rpartition('.')[2]}.py"
    if not file.is_file():
        raise LookupError(f"layer {layer_type} has no test file tests/layers/{file.name}")
    spec = importlib.util.spec_from_file_location(f"cases_of_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    cases = [case for case in getattr(module, "CASES", ()) if case.type == layer_type]
    if not cases:
        raise LookupError(f"tests/layers/{file.name} has no CASES for layer {layer_type}")
    if len({case.name for case in cases}) < len(cases):
        raise LookupError(f"tests/layers/{file.name} has two CASES of one name")
    return cases


def subjects() -> list:
    """One parameter a case; a type without cases becomes one that holds the error."""
    found = []
    for layer_type in layer_types():
        try:
            found += [pytest.param(case, id=f"{layer_type}-{case.name}") for case in cases_of(layer_type)]
        except Exception as error:
            found.append(pytest.param(error, id=f"{layer_type}-no_cases"))
    return found


SUBJECTS = subjects()


@pytest.mark.parametrize("case", SUBJECTS)
def test_contract(case):
    if isinstance(case, Exception):
        raise case
    check_layer(case)


def first_cases() -> list:
    """The first case of each type: enough to compile its kernels."""
    cases = [param.values[0] for param in SUBJECTS if not isinstance(param.values[0], Exception)]
    return list({case.type: case for case in reversed(cases)}.values())


@pytest.mark.parametrize("case", first_cases(), ids=lambda case: case.type)
def test_fast_bodies_in_double_precision(case):
    with case.folder():
        ours = run_case(case, CpuBackend(), np.float64)
        ours.compare(run_case(case, Backend(), np.float64), 1e-9, "by the fast body and by the plain one")


@pytest.fixture(scope="module")
def gpu():
    try:
        return GpuBackend()
    except BackendError as error:
        pytest.skip(str(error))


@pytest.mark.gpu
@pytest.mark.parametrize("case", SUBJECTS if importlib.util.find_spec("cupy") else [])
def test_on_the_gpu(case, gpu):
    """The GPU gives the numbers of the plain bodies."""
    if isinstance(case, Exception):
        raise case
    check_device(case, gpu)
