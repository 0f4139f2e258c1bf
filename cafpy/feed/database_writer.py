"""Databases that are whole or not there: written beside their place, synced, then renamed into it."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Self

from cafpy.errors import DataError
from cafpy.feed.database import kind_of, library_words
from cafpy.files import sync_folder

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

BATCH_RECORDS = 1000
BATCH_BYTES = 8 << 20  # little, so that the images after them are decoded meanwhile


class DatabaseWriter(ABC):
    """Writes a new database; use it in a ``with`` block.

    All goes to a folder ``<name>.partial-…`` beside ``path``, which takes its place when the block ends without an
    error. Whatever happens, a power cut included, ``path`` holds either what it held before (or nothing) or all
    records. Partial folders that a killed writer left are removed by the next one for the same path.

    Raises DataError when ``path`` exists; with ``force`` it is replaced if it is a database, and only then.
    """

    backend: ClassVar[str]
    errors: tuple[type[Exception], ...] = ()  # what its library raises

    def __init__(self, path: str | Path, force: bool = False):
        self.path = Path(path)
        self.force = force
        self.written = 0
        self._pending: list[tuple[bytes, bytes]] = []
        self._pending_bytes = 0
        check_target(self.path, force)
        _remove_stale(self.path)
        self._partial = Path(tempfile.mkdtemp(prefix=f"{self.path.name}.partial-", dir=self.path.parent))
        self._partial.chmod(0o777 & ~_umask())
        self._lock = _lock(self._partial)
        try:
            self._guarded(lambda: self._open(self._partial))
        except BaseException:
            self._drop()
            raise

    def put(self, key: bytes, value: bytes) -> None:
        """Add a record. Raises DataError, now or a little later, when the key was there already."""
        self._pending.append((key, value))
        self._pending_bytes += len(value)
        self.written += 1
        if len(self._pending) >= BATCH_RECORDS or self._pending_bytes >= BATCH_BYTES:
            self._commit()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None:
                self._commit()
                self._guarded(self._finish)
                _sync_files(self._partial)
                self._unlock()
                check_target(self.path, self.force)  # somebody else may have been faster
                if not self._replace():
                    _move(self._partial, self.path)
                sync_folder(self.path.parent)
        finally:
            self._abandon()
            self._drop()

    def _commit(self) -> None:
        records, self._pending, self._pending_bytes = self._pending, [], 0
        self._guarded(lambda: self._write(records))

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except self.errors as error:
            raise DataError(f"writing the database '{self.path}' failed: {library_words(error)}") from error

    def _unlock(self) -> None:
        if self._lock is not None:
            (self._partial / LOCK_NAME).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def _drop(self) -> None:
        self._unlock()
        shutil.rmtree(self._partial, ignore_errors=True)

    @abstractmethod
    def _open(self, folder: Path) -> None:
        """Start a database in an empty folder."""

    @abstractmethod
    def _write(self, records: list[tuple[bytes, bytes]]) -> None:
        """Add records."""

    @abstractmethod
    def _finish(self) -> None:
        """Bring everything to the files and close them."""

    @abstractmethod
    def _abandon(self) -> None:
        """Close the files; does nothing when they are closed."""

    def _replace(self) -> bool:
        """Put the finished database in the place of an old one in a single step, where that can be; True when done."""
        return False


LOCK_NAME = "writing.lock"  # held by its writer, so that the next one knows that a partial folder is in use


def check_target(path: Path, force: bool) -> None:
    """Raise DataError unless a database may be written to ``path``."""
    if not path.parent.is_dir():
        raise DataError(f"cannot write '{path}': the folder '{path.parent}' does not exist; make it first")
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if not path.is_dir() or kind_of(path) is None:
        raise DataError(f"'{path}' exists and is no database folder; it will not be replaced. Give another name")
    if not force:
        raise DataError(f"'{path}' exists; give another name, or force its replacement")


def _move(partial: Path, path: Path) -> None:
    """Give ``partial`` the name ``path``, putting a database that is there out of the way first."""
    if path.exists() and any(path.iterdir()):
        old = Path(tempfile.mkdtemp(prefix=f"{path.name}.old-", dir=path.parent))
        os.rename(path, old)
        try:
            os.rename(partial, path)
        except BaseException:
            os.rename(old, path)
            raise
        shutil.rmtree(old, ignore_errors=True)
    else:
        if path.exists():
            path.rmdir()
        os.rename(partial, path)


def _sync_files(folder: Path) -> None:
    for file in folder.iterdir():
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
    sync_folder(folder)


def _lock(folder: Path) -> int | None:
    if fcntl is None:
        return None
    handle = os.open(folder / LOCK_NAME, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # a file system without locks
        os.close(handle)
        return None
    return handle


def _remove_stale(path: Path) -> None:
    """Remove the partial folders for ``path`` whose writers are dead."""
    if fcntl is None:
        return
    for folder in path.parent.glob(f"{glob.escape(path.name)}.partial-*"):
        handle = _lock(folder)
        if handle is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
