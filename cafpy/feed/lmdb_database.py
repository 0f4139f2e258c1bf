"""LMDB: reading, also from read-only media, and writing."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import lmdb

from cafpy.errors import DataError
from cafpy.feed.database import Database
from cafpy.feed.database_writer import DatabaseWriter
from cafpy.feed.early_sync import EarlySync

FIRST_MAP_SIZE = 64 << 20  # bytes; grows by itself


class LmdbDatabase(Database):
    """An LMDB folder, or a single file of one, open for reading. Takes no lock: nobody may write to it meanwhile."""

    backend = "LMDB"
    errors = (lmdb.Error,)

    def __init__(self, path: str | Path):
        super().__init__(path)
        self._file = self.path / "data.mdb" if self.path.is_dir() else self.path
        if not self._file.stat().st_size:
            raise DataError(f"the {self} is cut off: {self._file.name} has 0 bytes; copy or make it again")
        try:
            real = self.path.resolve()
            self._env: Any = _environments.open(real)
        except lmdb.Error as error:
            raise DataError(f"the {self} cannot be opened as an LMDB: {_reason(error)}") from error
        self._transaction: Any = None
        self._release = weakref.finalize(self, _environments.close, real)
        self._release.atexit = False  # a thread may still be reading
        try:
            self._check_whole()
            self._count = self._env.stat()["entries"]
            if not self._count:
                raise DataError(f"the {self} is empty (0 records); was its writer stopped?")
            self._transaction = self._env.begin(buffers=True)
            self._cursor = self._transaction.cursor()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._transaction is not None:
            self._transaction.abort()
        self._release()

    def _count_records(self) -> int:
        return int(self._env.stat()["entries"])

    def _all_keys(self) -> Iterator[bytes]:
        with self._transaction.cursor() as cursor:
            yield from map(bytes, cursor.iternext(keys=True, values=False))

    def _get(self, key: bytes) -> Any:
        return self._transaction.get(key)

    def _first(self) -> None:
        self._cursor.first()

    def _skip(self, count: int) -> int:
        forward = self._cursor.next
        for moved in range(count):
            if not forward():
                return moved
        return count

    def _item(self) -> tuple[bytes, Any]:
        return bytes(self._cursor.key()), self._cursor.value()

    def _check_whole(self) -> None:
        """A file that ends before its last page would kill the process when that page is read."""
        size = self._file.stat().st_size
        wanted = (self._env.info()["last_pgno"] + 1) * self._env.stat()["psize"]
        if size < wanted:
            raise DataError(
                f"the {self} is cut off: {self._file.name} has {size:,} bytes and should have {wanted:,}; "
                "copy or make it again"
            )


class LmdbWriter(DatabaseWriter):
    """Writes an LMDB folder."""

    backend = "LMDB"
    errors = (lmdb.Error,)

    def _open(self, folder: Path) -> None:
        # LMDB itself syncs once, at the end: until the folder has its name, nobody reads it.
        self._env = lmdb.open(str(folder), map_size=FIRST_MAP_SIZE, sync=False, metasync=False, lock=False)
        self._early = EarlySync(folder / "data.mdb")
        self._longest = self._env.max_key_size()
        self._last = b""

    def _keys_there(self) -> Iterable[bytes]:
        with self._env.begin() as transaction, transaction.cursor() as cursor:
            keys = list(cursor.iternext(keys=True, values=False))
        self._last = keys[-1] if keys else b""
        return keys

    def value(self, key: bytes) -> bytes:
        with self._env.begin() as transaction:
            return bytes(transaction.get(key, b""))

    def _write(self, records: list[tuple[bytes, bytes | bytearray]]) -> None:
        while True:
            last = self._last
            try:
                with self._env.begin(write=True) as transaction:
                    for key, value in records:
                        self._check(key)
                        if not transaction.put(key, value, overwrite=False, append=key > last):
                            raise DataError(f"key {key!r} came twice; every record needs a key of its own")
                        last = max(key, last)
                self._last = last
                self._early.nudge()
                return
            except lmdb.MapFullError:
                self._env.set_mapsize(self._env.info()["map_size"] * 2)

    def _check(self, key: bytes) -> None:
        if not 0 < len(key) <= self._longest:
            raise DataError(f"key {key!r} has {len(key)} bytes; LMDB takes keys of 1 to {self._longest} bytes")

    def _finish(self) -> None:
        self._early.stop()
        self._env.sync(True)
        self._env.close()

    def _abandon(self) -> None:
        self._early.stop()
        self._env.close()

    def _replace(self) -> bool:
        """In one step, so that there is no moment without a database."""
        if not (self.path / "data.mdb").is_file():
            return False
        os.replace(self._place.folder / "data.mdb", self.path / "data.mdb")
        (self.path / "lock.mdb").unlink(missing_ok=True)
        self._place.folder.rmdir()
        return True


class _Environments:
    """The open environments. LMDB forbids a process to open one twice, but a train and a test net may read the same."""

    def __init__(self) -> None:
        self._open: dict[Path, tuple[Any, int]] = {}
        self._lock = threading.Lock()

    def open(self, real: Path) -> Any:
        with self._lock:
            env, users = self._open.get(real, (None, 0))
            if env is None:
                env = lmdb.open(str(real), subdir=real.is_dir(), readonly=True, create=False, lock=False)
            self._open[real] = (env, users + 1)
            return env

    def close(self, real: Path) -> None:
        with self._lock:
            env, users = self._open.pop(real)
            if users > 1:
                self._open[real] = (env, users - 1)
            else:
                env.close()


_environments = _Environments()


def _reason(error: lmdb.Error) -> str:
    if isinstance(error, lmdb.InvalidError):
        return "it is no LMDB, or damaged"
    if isinstance(error, lmdb.VersionMismatchError):
        return "it was written by a version of LMDB that is not compatible"
    return str(error)
