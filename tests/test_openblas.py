"""AVX-512 kernels are asked for where the processor has them and OpenBLAS would not see it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cafpy.openblas import NEEDED, VARIABLE, choose_kernels


@pytest.mark.parametrize(
    ("vendor", "flags", "asked"),
    [
        ("AuthenticAMD", NEEDED | {"fpu", "avx2"}, "SkylakeX"),
        ("AuthenticAMD", NEEDED - {"avx512vl"}, None),
        ("AuthenticAMD", {"fpu", "avx2"}, None),
        ("GenuineIntel", NEEDED, None),
    ],
)
def test_by_processor(vendor, flags, asked, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    file = tmp_path / "cpuinfo"
    file.write_text(f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: {' '.join(sorted(flags))}\n\nprocessor\t: 1\n")
    choose_kernels(file)

    assert os.environ.get(VARIABLE) == asked


def test_the_users_choice_stays(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, "Haswell")
    file = tmp_path / "cpuinfo"
    file.write_text(f"vendor_id\t: AuthenticAMD\nflags\t: {' '.join(NEEDED)}\n")
    choose_kernels(file)

    assert os.environ[VARIABLE] == "Haswell"


def test_without_the_file_nothing_is_asked_for(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    choose_kernels(tmp_path / "none")

    assert VARIABLE not in os.environ
