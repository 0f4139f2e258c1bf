"""Databases that are whole or not there: written beside their place, synced, then renamed into it."""

from __future__ import annotations

import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Self

from cafpy.errors import DataError
from cafpy.feed.database import kind_of, library_words
from cafpy.feed.unfinished import PartialFolder
from cafpy.files import sync_folder

BATCH_RECORDS = 1000
BATCH_BYTES = 8 << 20  # little, so that the images after them are decoded meanwhile


class DatabaseWriter(ABC):
    """Writes a new database; use it in a ``with`` block.

    All goes to a folder ``<name>.partial-…`` beside ``path``, which takes its place when the block ends without an
    error. Whatever happens, a power cut included, ``path`` holds either what it held before (or nothing) or all
    records. Partial folders that a killed writer left are removed by the next one for the same path, or, with
    ``resume``, taken up where the same is written there, by its ``identity`` (see
    :class:`cafpy.feed.unfinished.PartialFolder`; a KeyboardInterrupt leaves one, too). It then holds the records in
    ``there``; do not put them again.

    Attributes:
        there: keys that were there in the beginning.

    Raises DataError when ``path`` exists; with ``force`` it is replaced if it is a database, and only then.
    """

    backend: ClassVar[str]
    errors: tuple[type[Exception], ...] = ()  # what its library raises

    def __init__(self, path: str | Path, force: bool = False, identity: str = "", resume: bool = False):
        self.path = Path(path)
        self.force = force
        self._pending: list[tuple[bytes, bytes | bytearray]] = []
        self._pending_bytes = 0
        check_target(self.path, force)
        self._finished = False
        self.there: frozenset[bytes] = frozenset()
        try:
            self._start(identity, resume)
        except DataError:
            if not self._place.resumed:
                raise
            self._start(identity, resume=False)  # what was left is damaged

    def put(self, key: bytes, value: bytes | bytearray) -> None:
        """Add a record. Raises DataError, now or a little later, when the key was there already."""
        self._pending.append((key, value))
        self._pending_bytes += len(value)
        if len(self._pending) >= BATCH_RECORDS or self._pending_bytes >= BATCH_BYTES:
            self._commit()

    @abstractmethod
    def value(self, key: bytes) -> bytes:
        """The value of one of the keys in ``there``."""

    def finish(self) -> None:
        """Bring all to the disk. Only the name is missing then, which comes when the block ends; so several databases
        get theirs at almost the same time."""
        if not self._finished:
            self._commit()
            self._guarded(self._finish)
            _sync_files(self._place.folder)
            self._finished = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None:
                self.finish()
                self._place.release()
                check_target(self.path, self.force)  # somebody else may have been faster
                if not self._replace():
                    _move(self._place.folder, self.path)
                sync_folder(self.path.parent)
        finally:
            if kind is not None and issubclass(kind, KeyboardInterrupt) and not self._finished:
                with suppress(DataError):
                    self._commit()
            self._abandon()
            self._leave(kind)

    def _start(self, identity: str, resume: bool) -> None:
        self._place = PartialFolder(self.path, identity, resume)
        try:
            self._guarded(lambda: self._open(self._place.folder))
            if self._place.resumed:
                self.there = frozenset(self._keys_there())
        except BaseException as error:
            self._leave(type(error))
            raise

    def _leave(self, kind: type[BaseException] | None) -> None:
        """Give up the folder. A person who has stopped the program may think again; otherwise nothing stays."""
        stopped = kind is not None and issubclass(kind, KeyboardInterrupt)
        if not (stopped and self._place.leave()):
            self._place.drop()

    def _commit(self) -> None:
        records, self._pending, self._pending_bytes = self._pending, [], 0
        self._guarded(lambda: self._write(records))

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except self.errors as error:
            raise DataError(f"writing the database '{self.path}' failed: {library_words(error)}") from error

    @abstractmethod
    def _open(self, folder: Path) -> None:
        """Start a database in an empty folder, or go on with the one in it."""

    @abstractmethod
    def _keys_there(self) -> Iterable[bytes]:
        """The keys in a database that is gone on with."""

    @abstractmethod
    def _write(self, records: list[tuple[bytes, bytes | bytearray]]) -> None:
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
