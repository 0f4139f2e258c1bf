"""The kernels that OpenBLAS, NumPy's and SciPy's, shall use on this processor.

OpenBLAS picks them by the processor's family when it is loaded, and takes a family newer than itself for an old one:
on an AMD processor of family 26 version 0.3.31 ran AVX2 kernels (128 GFLOP/s a core) where its AVX-512 kernels reach
230. Its setting for that is an environment variable, which it reads once.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "OPENBLAS_CORETYPE"
NEEDED = frozenset({"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"})  # what kernels of SkylakeX use


def choose_kernels(cpuinfo: Path = Path("/proc/cpuinfo")) -> None:
    """Ask for AVX-512 kernels where an AMD processor has AVX-512, unless the user has chosen. Call it before OpenBLAS
    is loaded.

    Intel's processors are told apart rightly. Where there is no such file (Windows, macOS), nothing is asked for.
    """
    if VARIABLE in os.environ:
        return
    try:
        with cpuinfo.open() as lines:
            about = {}  # of the first processor
            for line in lines:
                name, _, value = line.partition(":")
                if not name.strip():
                    break
                about[name.strip()] = value.strip()
    except OSError:
        return
    if about.get("vendor_id") == "AuthenticAMD" and set(about.get("flags", "").split()) >= NEEDED:
        os.environ[VARIABLE] = "SkylakeX"
