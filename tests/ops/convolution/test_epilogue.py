"""Factor, shift and ReLU behind a convolution: the plain body, the fast one, and every plan that does it itself."""

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.ops.convolution.epilogue import Epilogue, finish, with_bias
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.convolution.plans import convolution, forward_finished

PLAIN, FAST = Backend(), CpuBackend()


def epilogues(outputs, dtype):
    rng = np.random.default_rng(1)
    factor, shift = rng.standard_normal((2, outputs)).astype(dtype)
    return [
        Epilogue(),
        Epilogue(slope=0.0),
        Epilogue(factor, None, 0.1),
        Epilogue(None, shift, 0.0),
        Epilogue(factor, shift),
        Epilogue(factor, shift, 0.0),
    ]


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("backend", [PLAIN, FAST], ids=lambda b: b.name)
def test_finish_is_factor_shift_and_relu(backend, number):
    y = np.random.default_rng(0).standard_normal((3, 5, 1000)).astype(np.float32)
    epilogue = epilogues(5, np.float32)[number]
    factor = 1 if epilogue.factor is None else epilogue.factor[:, None]
    shift = 0 if epilogue.shift is None else epilogue.shift[:, None]
    wanted = y * factor + shift
    wanted[wanted < 0] *= epilogue.slope
    finish(backend, y, epilogue)
    np.testing.assert_allclose(y, wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("backend", [PLAIN, FAST], ids=lambda b: b.name)
def test_nan_stays_nan(backend):
    y = np.full((1, 2, 3), np.nan, np.float32)
    finish(backend, y, Epilogue(slope=0.0))
    assert np.isnan(y).all()


def test_without_epilogue_kernels_get_the_bias_or_nothing():
    bias = np.ones(4, np.float32)
    assert with_bias(bias, None, 4, np.dtype(np.float32)) is bias
    assert with_bias(None, None, 4, np.dtype(np.float32)).size == 0


GEOMETRIES = {
    "1x1": Geometry(2, 6, 7, 1, (9, 11), (1, 1), (1, 1), (0, 0), (1, 1)),
    "1x1, few places": Geometry(5, 6, 7, 1, (3, 4), (1, 1), (1, 1), (0, 0), (1, 1)),
    "5x5, stride 2": Geometry(3, 4, 6, 2, (40, 37), (5, 5), (2, 2), (2, 1), (1, 1)),
    "large, so many blocks": Geometry(2, 16, 32, 1, (64, 64), (5, 5), (1, 1), (2, 2), (1, 1)),
    "1x1 of many maps": Geometry(3, 600, 21, 1, (5, 7), (1, 1), (1, 1), (0, 0), (1, 1)),
    "groups of many maps": Geometry(2, 160, 26, 2, (9, 9), (3, 3), (2, 2), (1, 1), (1, 1)),
    "one line": Geometry(2, 3, 4, 1, (50,), (3,), (1,), (1,), (1,)),
    "depthwise": Geometry(2, 8, 8, 8, (20, 21), (3, 3), (1, 1), (1, 1), (1, 1)),
    "depthwise, stride 2": Geometry(2, 8, 8, 8, (20, 21), (3, 3), (2, 2), (1, 1), (1, 1)),
    "depthwise of many small maps": Geometry(2, 18, 18, 18, (9, 8), (3, 3), (1, 1), (1, 1), (1, 1)),
    "depthwise 5x5, two outputs": Geometry(2, 8, 16, 8, (20, 21), (5, 5), (1, 1), (2, 2), (1, 1)),
    "Winograd": Geometry(4, 64, 64, 1, (28, 28), (3, 3), (1, 1), (1, 1), (1, 1)),
    "Winograd by output": Geometry(4, 256, 256, 1, (7, 7), (3, 3), (1, 1), (1, 1), (1, 1)),
    "three axes": Geometry(1, 2, 3, 1, (5, 6, 7), (2, 2, 2), (1, 1, 1), (0, 0, 0), (1, 1, 1)),
}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_plans_finish_as_a_pass_behind_them_would(name, bias):
    geometry, rng = GEOMETRIES[name], np.random.default_rng(0)
    x = rng.standard_normal((geometry.images, geometry.channels, *geometry.size)).astype(np.float32)
    shape = (geometry.outputs, geometry.channels // geometry.group, *geometry.kernel)
    weight = rng.standard_normal(shape).astype(np.float32)
    biases = rng.standard_normal(geometry.outputs).astype(np.float32) if bias else None
    plan = convolution(FAST, geometry, np.dtype(np.float32))
    wanted = np.empty((geometry.images, geometry.outputs, *geometry.windows), np.float32)
    for epilogue in epilogues(geometry.outputs, np.float32):
        plan.forward(x, weight, biases, wanted)
        finish(PLAIN, wanted.reshape(*wanted.shape[:2], -1), epilogue)
        y = np.full_like(wanted, np.nan)
        forward_finished(FAST, plan, x, weight, biases, y, epilogue)
        np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6 * np.abs(wanted).max())
