"""LevelDB, through the optional package plyvel."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from cafpy.errors import DataError
from cafpy.feed.database import Database, library_words
from cafpy.feed.database_writer import DatabaseWriter

CACHE = 8 << 20  # bytes of blocks; a pass reads every block once, so more would not help
TABLES = (".ldb", ".sst")
TABLE_END = bytes.fromhex("57fb808b247547db")  # the last bytes of every whole table


class LevelDbDatabase(Database):
    """A LevelDB folder, open for reading.

    LevelDB knows no reading without writing: opening renews its log and manifest and locks others out. So what is
    opened is a temporary folder with links to the tables and copies of the small files; the original is not touched,
    may be on read-only media and may be open many times.
    """

    backend = "LEVELDB"

    def __init__(self, path: str | Path):
        super().__init__(path)
        plyvel = _import_plyvel(self.path)
        self._shadow = tempfile.TemporaryDirectory(prefix="cafpy-leveldb-")
        try:
            _link_tables(self.path.resolve(), Path(self._shadow.name))
            self._db = plyvel.DB(self._shadow.name, create_if_missing=False, lru_cache_size=CACHE)
        except (plyvel.Error, OSError) as error:
            self._shadow.cleanup()
            raise DataError(f"the {self} cannot be opened as a LevelDB: {library_words(error)}") from error
        self.errors = (plyvel.Error,)
        self._records: Any = None
        self._current: Any = None  # key and value, None in an empty database
        try:
            _check_tables(Path(self._shadow.name), self)
            self._first()
            if self._current is None:
                raise DataError(f"the {self} is empty (0 records); was its writer stopped?")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._records = None
        self._db.close()
        self._shadow.cleanup()

    def _count_records(self) -> int:
        with self._db.iterator(include_value=False) as keys:
            return sum(1 for _ in keys)

    def _all_keys(self) -> Iterator[bytes]:
        with self._db.iterator(include_value=False) as keys:
            yield from keys

    def _get(self, key: bytes) -> Any:
        return self._db.get(key, verify_checksums=True)

    def _first(self) -> None:
        if self._records is not None:
            self._records.close()
        self._records = self._db.iterator(verify_checksums=True, fill_cache=False)
        self._current = next(self._records, None)

    def _skip(self, count: int) -> int:
        for moved in range(count):
            record = next(self._records, None)
            if record is None:
                return moved
            self._current = record
        return count

    def _item(self) -> tuple[bytes, Any]:
        return self._current


class LevelDbWriter(DatabaseWriter):
    """Writes a LevelDB folder."""

    backend = "LEVELDB"

    def _open(self, folder: Path) -> None:
        plyvel = _import_plyvel(self.path)
        self.errors = (plyvel.Error,)
        self._db = plyvel.DB(str(folder), create_if_missing=True, write_buffer_size=64 << 20)
        self._keys: set[bytes] = set()

    def _keys_there(self) -> Iterable[bytes]:
        with self._db.iterator(include_value=False) as keys:
            self._keys = set(keys)
        return self._keys

    def value(self, key: bytes) -> bytes:
        return bytes(self._db.get(key))

    def _write(self, records: list[tuple[bytes, bytes | bytearray]]) -> None:
        with self._db.write_batch() as batch:
            for key, value in records:
                if key in self._keys:
                    raise DataError(f"key {key!r} came twice; every record needs a key of its own")
                self._keys.add(key)
                batch.put(key, bytes(value))

    def _finish(self) -> None:
        self._db.compact_range()  # out of the log into tables, as a finished database should be
        self._db.close()

    def _abandon(self) -> None:
        self._db.close()


def _import_plyvel(path: Path) -> ModuleType:
    try:
        import plyvel
    except ImportError as error:
        raise DataError(
            f"'{path}': LevelDB needs the package plyvel, which is not installed: `pip install plyvel`. "
            "Or use an LMDB, which needs nothing: `backend: LMDB`"
        ) from error
    module: ModuleType = plyvel
    return module


def _link_tables(source: Path, shadow: Path) -> None:
    for file in source.iterdir():
        if file.suffix in TABLES:
            (shadow / file.name).symlink_to(file)
        elif file.name == "CURRENT" or file.name.startswith("MANIFEST-") or file.suffix == ".log":
            shutil.copyfile(file, shadow / file.name)


def _check_tables(folder: Path, database: LevelDbDatabase) -> None:
    """LevelDB takes a table that is cut off for an empty one."""
    for table in folder.iterdir():
        if table.suffix in TABLES:
            with table.open("rb") as file:
                end = file.seek(max(0, table.stat().st_size - len(TABLE_END))) and file.read()
            if end != TABLE_END:
                raise DataError(f"the {database} is damaged: its file {table.name} is cut off; copy or make it again")
