"""atomic_write: all of the new file or all of the old one."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cafpy.errors import CafpyError
from cafpy.files import atomic_write


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "m.caffemodel.h5"
    with atomic_write(path) as temporary:
        assert temporary.parent == tmp_path and temporary.suffix == ".h5"
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert names(tmp_path) == [path.name]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_write(str(path)) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert names(tmp_path) == ["m"]


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "m"
    with atomic_write(path) as one:
        with atomic_write(path) as two:
            assert one != two
            two.write_text("two")
        assert path.read_text() == "two"
        one.write_text("one")
    assert path.read_text() == "one"


def test_rights_are_those_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with atomic_write(tmp_path / "m") as temporary:
        temporary.write_text("")
    assert stat.S_IMODE((tmp_path / "m").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    link = tmp_path / "latest"
    link.symlink_to(tmp_path / "far" / "m")
    with atomic_write(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "far" / "m").read_text() == "new"
    assert names(tmp_path / "far") == ["m"]


def test_a_folder_that_is_missing_is_said_before_the_work(tmp_path: Path) -> None:
    path = tmp_path / "no" / "m"
    with pytest.raises(CafpyError) as error, atomic_write(path):
        pytest.fail("the block has run")
    assert str(error.value) == f"{path} cannot be written: there is no folder {path.parent}; make it first"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(CafpyError, match="cannot be written: Permission denied"), atomic_write(tmp_path / "m"):
            pytest.fail("the block has run")
    finally:
        tmp_path.chmod(0o700)


def test_the_name_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    with pytest.raises(OSError), atomic_write(tmp_path / "m") as temporary:
        temporary.write_text("new")
    assert names(tmp_path) == ["m"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        OSError(f"Unable to create file (errno = 28, error message = '{os.strerror(errno.ENOSPC)}', offset = 0)"),
    ],
    ids=["from the system", "from HDF5"],
)
def test_a_full_disk_is_told_with_the_name(tmp_path: Path, error: OSError) -> None:
    path = tmp_path / "m"
    path.write_text("old")
    with pytest.raises(CafpyError) as raised, atomic_write(path) as temporary:
        temporary.write_text("half")
        raise error
    assert str(raised.value).startswith(f"{path} cannot be written: no space is left in {tmp_path}; make room there.")
    assert names(tmp_path) == ["m"]
    assert path.read_text() == "old"


KILLED = """
import os, signal, sys
from pathlib import Path
from cafpy.files import atomic_write
with atomic_write(sys.argv[1]) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_text("old")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)])
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    with atomic_write(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
