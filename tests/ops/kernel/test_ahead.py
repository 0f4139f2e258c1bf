"""Kernels compiled by another process are loaded from disk here, and compiled here where that fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TRY = """
import sys
import numpy as np
from cafpy.ops.convolution.bias import _add_bias_gradient as one
from cafpy.ops.eltwise_relu import _copy as two
from cafpy.ops.kernel import ahead

{before}
ahead.compile_ahead([one, two, one], np.dtype(np.float32))
print(*(kernel.elsewhere is not None for kernel in (one, two)))
for kernel in (one, two):
    kernel.compile(np.dtype(np.float32))
    print(kernel.is_cached(), kernel.elsewhere, kernel._compiled[np.dtype(np.float32)][0].cache_hits)
"""


def run(cache, before=""):
    """What is printed by a process of its own, whose cache is in this folder."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT), "NUMBA_NUM_THREADS": "2"}
    command = [sys.executable, "-c", TRY.format(before=before)]
    done = subprocess.run(command, env=environment, cwd=cache, capture_output=True, text=True, check=True)
    assert not done.stderr
    return done.stdout.splitlines()


def test_by_another_process_once(tmp_path):
    assert run(tmp_path) == ["True True", "True None 1", "True None 1"]
    assert run(tmp_path) == ["False False", "True None 1", "True None 1"]


@pytest.mark.parametrize(
    ("before", "started"),
    [
        ("sys.executable = '/no/such/python'", "False False"),
        ("ahead._MAIN = 'raise SystemExit(1)'", "True True"),
        ("ahead.numba.config.NUMBA_NUM_THREADS = 1", "False False"),
    ],
)
def test_here_where_it_fails(before, started, tmp_path):
    assert run(tmp_path, before) == [started, "True None 0", "True None 0"]
