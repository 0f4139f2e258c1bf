"""What CIFAR-10 and CIFAR-100 have in common: archives of pickles or of rows of bytes."""

from __future__ import annotations

import io
import pickle
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cafpy.errors import DataError
from cafpy.feed.database_writer import check_target
from cafpy.missing_file import does_not_exist

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32


def unpickle(content: bytes) -> Any:
    """What a pickle of Python 2 holds, if that is built-in types and arrays. May raise anything when it is damaged."""
    return _Unpickler(io.BytesIO(content), encoding="bytes").load()


def check_paths(source: Path, out_train: str | Path, out_test: str | Path, force: bool) -> None:
    """Raise DataError unless ``source`` is there and both databases may be written."""
    if not source.exists():
        raise DataError(f"'{source}' {does_not_exist(source, wanted=Path.exists)}")
    if Path(out_train).resolve() == Path(out_test).resolve():
        raise DataError(f"'{out_train}' is named for the training and for the test set; give each its own database")
    for out in (out_train, out_test):
        check_target(Path(out), force)


def read_files(source: Path, needed: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files of a folder or an archive whose names are ``needed``."""
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.is_file() and needed(path.name):
                yield path.relative_to(source).as_posix(), path.read_bytes()
        return
    try:
        with tarfile.open(source) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() and needed(member.name) else None
                if file is not None:
                    yield member.name, file.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DataError(f"'{source}' cannot be read as an archive: {error}; fetch it again") from error


class _Unpickler(pickle.Unpickler):
    """Makes arrays and nothing else: a pickle from the network could call anything."""

    def find_class(self, module: str, name: str) -> Any:
        allowed: dict[str, Any] = {"ndarray": np.ndarray, "dtype": np.dtype}
        if module.startswith("numpy") and name == "_reconstruct":
            return np.ndarray(0).__reduce__()[0]
        if module == "numpy" and name in allowed:
            return allowed[name]
        if (module, name) == ("_codecs", "encode"):
            return lambda text, encoding: text.encode(encoding)
        raise DataError(f"a CIFAR file asks for {module}.{name}, which no such file needs; it is not used")
