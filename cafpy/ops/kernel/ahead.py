"""Kernels that another process compiles while this one does something else.

Numba compiles one thing at a time in a process, and a net's first training step wants ten kernels and more, of up to
two seconds each. Those that are wanted last can be left to a process beside this one: it puts them into Numba's cache
on disk, and from there they are loaded when they are called.
"""

from __future__ import annotations

import atexit
import importlib
import os
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import numba
import numpy as np

from cafpy.ops.kernel.threaded import Threaded

_MAIN = "from cafpy.ops.kernel.ahead import main; main()"


def compile_ahead(kernels: Iterable[Threaded], dtype: np.dtype) -> None:
    """Have those of the kernels that are not on disk yet compiled for ``dtype`` by another process, in this order.

    Nothing happens where there is but one processor, and nothing is lost where the process cannot be started or ends
    early: the kernels are then compiled here, when they are called.
    """
    missing = [kernel for kernel in dict.fromkeys(kernels) if not kernel.is_cached()]
    if not missing or int(numba.config.NUMBA_NUM_THREADS) < 2:  # type: ignore[attr-defined]
        return
    try:
        other = _Process(dtype, [kernel.name for kernel in missing])
    except OSError:
        return
    for kernel in missing:
        kernel.elsewhere = other


class _Process:
    """A process that compiles kernels, and says the name of each when it is done."""

    def __init__(self, dtype: np.dtype, names: list[str]):
        self._left = set(names)
        path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _MAIN, dtype.name, *names],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
            text=True,
        )
        self._answers: Any = self._process.stdout
        atexit.register(self._end)

    def wait_for(self, name: str) -> None:
        """Until the kernel is compiled, or the process has ended."""
        while name in self._left:
            said = self._answers.readline()
            if said:
                self._left.discard(said.strip())
            else:
                self._left.clear()
        if not self._left:
            self._end()

    def _end(self) -> None:
        """Numba writes its cache to temporary names and renames, so nothing half is left."""
        self._process.kill()
        self._process.wait()
        self._answers.close()
        atexit.unregister(self._end)


def main() -> None:
    """What the other process does: its arguments are a dtype and names of kernels."""
    dtype, *names = sys.argv[1:]
    for name in names:
        module, _, function = name.partition(":")
        getattr(importlib.import_module(module), function).compile(np.dtype(dtype))
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()
