"""Files that are whole or not there: written under a temporary name, synced, then renamed into place."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cafpy.errors import CafpyError


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; when the block ends without an error it becomes ``path``.

    Whatever happens, ``path`` holds either what it held before or all of the new content, after a power cut too. Where
    it is a symbolic link, the file behind it is replaced. Raises CafpyError when the folder is missing or cannot be
    written to, before any work is done, and when the disk is full.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{path.suffix}")
    try:
        # made here, and not by the block, so that the folder is tried before the block's work
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileNotFoundError:
        raise CafpyError(f"{path} cannot be written: there is no folder {path.parent}; make it first") from None
    except OSError as error:
        raise CafpyError(f"{path} cannot be written: {error.strerror}") from error
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and _is_full(error):
            raise CafpyError(
                f"{path} cannot be written: no space is left in {path.parent}; make room there. Nothing half-written "
                "is left, and the files from before are whole"
            ) from error
        raise
    sync_folder(path.parent)


def _is_full(error: OSError) -> bool:
    """Whether the disk, or the user's share of it, is full; HDF5 says so in words only."""
    full = {errno.ENOSPC, errno.EDQUOT}
    return error.errno in full or any(os.strerror(number) in str(error) for number in full)


def sync_folder(path: Path) -> None:
    """Make the names in a folder survive a power cut; a no-op where folders cannot be opened (Windows)."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        with suppress(OSError):  # some network file systems refuse to sync folders
            os.fsync(handle)
    finally:
        os.close(handle)
