"""Picks the database backend by name."""

from __future__ import annotations

from pathlib import Path

from cafpy.errors import DataError, did_you_mean
from cafpy.feed.database import Database, kind_of
from cafpy.feed.database_writer import DatabaseWriter
from cafpy.feed.leveldb_database import LevelDbDatabase, LevelDbWriter
from cafpy.feed.lmdb_database import LmdbDatabase, LmdbWriter
from cafpy.proto import cafpy_pb2 as pb

READERS: dict[str, type[Database]] = {"LMDB": LmdbDatabase, "LEVELDB": LevelDbDatabase}
WRITERS: dict[str, type[DatabaseWriter]] = {"LMDB": LmdbWriter, "LEVELDB": LevelDbWriter}


def open_database(path: str | Path, backend: str | int | None = None) -> Database:
    """Open a database for reading.

    ``backend`` is a DataParameter.DB value, "LMDB" or "LEVELDB" in any letter case, or None to take what it is.
    Raises DataError when it is missing, of another kind, damaged or empty.
    """
    name = kind_of(Path(path)) or "LMDB" if backend is None else backend_name(backend)
    return READERS[name](path)


def create_database(
    path: str | Path, backend: str | int = "LMDB", force: bool = False, identity: str = "", resume: bool = False
) -> DatabaseWriter:
    """A writer of a new database, to be used in a ``with`` block. With ``resume`` it goes on with what a killed writer
    of the same ``identity`` has left. Raises DataError when ``path`` may not be written."""
    name = backend_name(backend)
    return WRITERS[name](path, force, f"{name} {identity}" if identity else "", resume)


def backend_name(backend: str | int) -> str:
    """ "LMDB" or "LEVELDB" from a DataParameter.DB value or a name."""
    name: str = pb.DataParameter.DB.Name(backend) if isinstance(backend, int) else backend.upper()
    if name not in READERS:
        raise DataError(f"there is no database backend '{backend}'{did_you_mean(name, READERS)}; use lmdb or leveldb")
    return name
