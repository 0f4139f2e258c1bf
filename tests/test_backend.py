"""Backends: the doors between host and device, and what they say when a device is not there."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend, GpuBackend, default_threads
from cafpy.errors import BackendError, DataError, LayerError


@pytest.fixture(params=[Backend, CpuBackend])
def backend(request):
    return request.param()


def test_arrays(backend):
    array = backend.zeros((2, 3), np.float32)
    assert array.dtype == np.float32
    backend.upload(array, np.arange(6.0).reshape(2, 3))
    assert backend.to_host(array).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert backend.xp is np


def test_require(backend):
    backend.require(np.array(True), lambda: pytest.fail("must not be asked for"))
    with pytest.raises(DataError, match="label 7 is too large"):
        backend.require(np.array([False]), lambda: "label 7 is too large")
    with pytest.raises(LayerError, match="has no room"):
        backend.require(np.array(False), lambda: "has no room", LayerError)
    backend.raise_pending()
    backend.synchronize()


def test_only_the_cpu_backend_has_fast_bodies():
    assert Backend.bodies == ()
    assert CpuBackend.bodies == ("numba",)
    assert GpuBackend.bodies == ("cuda",)


def test_threads():
    import numba

    try:
        assert CpuBackend(1).threads == 1
        assert numba.get_num_threads() == 1
        assert CpuBackend(10_000).threads == numba.config.NUMBA_NUM_THREADS
    finally:
        assert CpuBackend().threads == min(default_threads(), numba.config.NUMBA_NUM_THREADS)


def test_products_inside_kernels_have_one_thread():
    from threadpoolctl import threadpool_info

    CpuBackend()
    libraries = [lib for lib in threadpool_info() if lib["user_api"] == "blas" and "numpy.libs" not in lib["filepath"]]
    assert all(lib["num_threads"] == 1 for lib in libraries)


def cupy_with(devices, available=True):
    """A stand-in for the cupy module on a machine with that many GPUs."""
    cupy = ModuleType("cupy")
    cupy.cuda = SimpleNamespace(
        is_available=lambda: available,
        runtime=SimpleNamespace(getDeviceCount=lambda: devices),
        Device=lambda index: SimpleNamespace(use=lambda: None, synchronize=lambda: None),
    )
    return cupy


@pytest.mark.parametrize(
    ("cupy", "device", "message"),
    [
        (
            None,
            0,
            "a GPU was asked for, but CuPy is not installed. Install it with `pip install 'cafpy[cuda12]'` "
            "(or cuda13 for a CUDA 13 driver), or run with --cpu.",
        ),
        (
            cupy_with(0, available=False),
            0,
            "a GPU was asked for and CuPy is installed, but there is no CUDA device or driver "
            "(does `nvidia-smi` work?). Run with --cpu to use the processor.",
        ),
        (cupy_with(2), 2, "there is no GPU 2: this machine has 2 (0 to 1). Use --gpu 0 or --cpu."),
        (cupy_with(2), -1, "there is no GPU -1: this machine has 2 (0 to 1). Use --gpu 0 or --cpu."),
    ],
)
def test_a_gpu_that_is_not_there(monkeypatch, cupy, device, message):
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    with pytest.raises(BackendError) as error:
        GpuBackend(device)
    assert str(error.value) == message


def test_a_gpu_answers_require_later(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", cupy_with(1))
    backend = GpuBackend(0)
    assert backend.name == "gpu 0"
    backend.require(np.array(True), lambda: "never")
    backend.require(np.array(False), lambda: "first")
    backend.require(np.array(False), lambda: "second", LayerError)
    with pytest.raises(DataError, match="first"):
        backend.raise_pending()
    backend.raise_pending()
