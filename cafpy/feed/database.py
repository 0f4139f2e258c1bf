"""Databases of records in key order: what LMDB and LevelDB have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from cafpy.errors import DataError
from cafpy.feed.image import SUFFIXES
from cafpy.missing_file import does_not_exist


class Database(ABC):
    """Records (key, value) of a database that is open for reading, numbered from 0 in the order of their keys.

    One thread at a time may use it. Opening raises DataError when it is missing, of another kind, cut off or empty.
    """

    backend: ClassVar[str]  # as `backend:` in data_param has it
    errors: tuple[type[Exception], ...] = ()  # what its library raises

    def __init__(self, path: str | Path):
        self.path = Path(path)
        check_kind(self.path, self.backend)
        self._count: int | None = None
        self._index: int | None = None  # of the record that the cursor is on
        self._keys: tuple[bytes, np.ndarray] | None = None  # one after the other, and where each begins

    def __str__(self) -> str:
        return f"database '{self.path}'"

    def __len__(self) -> int:
        """Number of records. LevelDB does not know it: the first call reads all keys."""
        if self._count is None:
            with self._guarded():
                self._count = self._count_records()
        return self._count

    def record(self, number: int) -> tuple[bytes, Any]:
        """Key and value of a record; past the last one the first comes again, and so on.

        The value may be a view into the database that is good until the next call. Going on to the next record costs
        nothing; going far forward steps over the keys between, going back starts from the first.
        Raises DataError when the database turns out to be damaged.
        """
        with self._guarded():
            while True:
                target = number if self._count is None else number % self._count
                if self._index is None or target < self._index:
                    self._first()
                    self._index = 0
                missing = target - self._index
                moved = self._skip(missing)
                self._index += moved
                if moved == missing:
                    return self._item()
                self._count = self._index + 1

    def pick(self, number: int) -> tuple[bytes, Any]:
        """:meth:`record`, for numbers in any order. The first call reads all keys, which are then held in memory."""
        with self._guarded():
            if self._keys is None:
                keys = list(self._all_keys())
                self._keys = b"".join(keys), np.cumsum([0, *map(len, keys)])
            text, begins = self._keys
            number %= len(begins) - 1
            key = text[begins[number] : begins[number + 1]]
            return key, self._get(key)

    def bytes_on_disk(self) -> int:
        """Size of its files."""
        files = [self.path] if self.path.is_file() else self.path.iterdir()
        return sum(file.stat().st_size for file in files)

    @abstractmethod
    def close(self) -> None:
        """Let go of the files."""

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except self.errors as error:
            at = f"damaged at record {self._index} or after it" if self._index else "damaged"
            raise DataError(f"the {self} is {at}: {library_words(error)}") from error

    @abstractmethod
    def _count_records(self) -> int:
        """Number of records, counted."""

    @abstractmethod
    def _all_keys(self) -> Iterator[bytes]:
        """The keys, in order."""

    @abstractmethod
    def _get(self, key: bytes) -> Any:
        """The value of a key that is there."""

    @abstractmethod
    def _first(self) -> None:
        """Put the cursor on the first record."""

    @abstractmethod
    def _skip(self, count: int) -> int:
        """Move the cursor on by ``count`` records, or to the last one; by how many it was moved."""

    @abstractmethod
    def _item(self) -> tuple[bytes, Any]:
        """Key and value of the record that the cursor is on."""


def library_words(error: Exception) -> str:
    """What a database library says; LevelDB's comes as bytes."""
    words = error.args[0] if error.args else error
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)


def kind_of(path: Path) -> str | None:
    """The backend that a path is a database of, by the names of its files; None when it is none."""
    if path.is_file() or (path / "data.mdb").is_file():
        return "LMDB"
    return "LEVELDB" if (path / "CURRENT").is_file() else None


def check_kind(path: Path, backend: str) -> None:
    """Raise DataError, with what to do instead, unless ``path`` can be a database of this backend."""
    if not path.exists():
        raise DataError(f"the database '{path}' {does_not_exist(path, wanted=Path.exists)}")
    kind = kind_of(path)
    if kind == backend:
        return
    if path.is_file():
        raise DataError(f"'{path}' is a file; a LevelDB is a folder. Is it an LMDB? Then write `backend: LMDB`")
    if kind is not None:
        default = " (without a backend, LEVELDB is meant)" if kind == "LMDB" else ""
        raise DataError(f"'{path}' is of the other kind: write `backend: {kind}`, not {backend}{default}")
    wanted = "data.mdb" if backend == "LMDB" else "CURRENT"
    images = any(file.suffix.lower() in SUFFIXES for file in _some_files(path))
    advice = "; it holds images: make a database of them with `cafpy convert`, or use an ImageData layer" * images
    raise DataError(f"the folder '{path}' is no {backend}: it holds no file {wanted}{advice}")


def _some_files(folder: Path) -> list[Path]:
    """A few files of a folder and of the folders in it."""
    found = list(folder.glob("*"))[:1000]
    return found + [file for sub in found[:20] if sub.is_dir() for file in list(sub.glob("*"))[:20]]
