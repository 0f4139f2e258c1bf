"""Rows of the datasets of a list of HDF5 files, batch after batch, over and over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from cafpy.errors import DataError, did_you_mean
from cafpy.missing_file import does_not_exist

IN_MEMORY = 256 << 20  # bytes; a file that needs less is read once, a larger one is read batch by batch
COUNTED = 1 << 22  # labels that are counted at once
CHUNK_CACHE = 64 << 20  # bytes per dataset, so that a compressed chunk is unpacked once for all batches in it


def read_list(source: str | Path) -> list[Path]:
    """The files named in the text file ``source``, separated by white space; a line that is a file may hold spaces.

    Raises DataError when the list is missing, empty or no list.
    """
    path = Path(source)
    if not path.is_file():
        raise DataError(f"source: the list '{source}' {does_not_exist(source)}")
    if h5py.is_hdf5(path):
        raise DataError(
            f"source: '{source}' is an HDF5 file itself; source names a text file that lists HDF5 files, one a line"
        )
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise DataError(f"source: '{source}' is no text file; it must list HDF5 files, one a line") from None
    files = [file for line in lines for file in ([line.strip()] if Path(line.strip()).is_file() else line.split())]
    if not files:
        raise DataError(f"source: the list '{source}' names no file")
    return [Path(file) for file in files]


class Hdf5Source:
    """Reads the datasets ``names`` of ``files`` row by row; after the last row of a file comes the next file.

    With ``shuffle`` the files come in a new random order in every pass over the list, and so do the rows in every
    visit to a file; ``seed`` fixes all of it. Rows are never mixed across files.

    Attributes:
        row_shapes: shape of one row of each dataset.

    Raises DataError, at once, when any of the files is missing or broken, lacks a dataset, or does not fit the others.
    """

    def __init__(self, files: Sequence[Path], names: Sequence[str], shuffle: bool = False, seed: int = 0):
        self.files = list(files)
        self.names = list(names)
        self.shuffle = shuffle
        self.seed = seed
        self.row_shapes: list[tuple[int, ...]] = []
        self._file_rows: list[int] = []
        for file in self.files:
            self._check(file)
        self._file: h5py.File | None = None
        self._visit = 0
        self._row = 0
        self._datasets: list[Any] = []
        self._rows = 0
        self._order: np.ndarray | None = None

    def __len__(self) -> int:
        """Rows of all files."""
        return sum(self._file_rows)

    def label_counts(self, index: int) -> Mapping[float, int]:
        """How often each value comes in the dataset ``names[index]``, in all files."""
        counts: Counter[float] = Counter()
        for path in self.files:
            with h5py.File(path, "r") as file:
                dataset: Any = file[self.names[index]]
                step = max(1, COUNTED * len(dataset) // dataset.size)
                for start in range(0, len(dataset), step):
                    values, numbers = np.unique(dataset[start : start + step], return_counts=True)
                    counts.update(dict(zip(values.tolist(), numbers.tolist(), strict=True)))
        return counts

    def read(self, batch: Sequence[np.ndarray]) -> None:
        """Fill one array per dataset, of shape (batch size, *row shape), with the next rows."""
        size, filled = len(batch[0]), 0
        while filled < size:
            if not self._datasets:
                self._open()
            count = min(size - filled, self._rows - self._row)
            for array, dataset in zip(batch, self._datasets, strict=True):
                self._copy(dataset, array[filled : filled + count])
            filled += count
            self._row += count
            if self._row == self._rows:
                self._next_file()

    def skip(self, rows: int) -> None:
        """Leave out the next ``rows`` rows."""
        while rows:
            there = self._file_rows[self._index()] - self._row
            count = min(rows, there)
            rows -= count
            self._row += count
            if count == there:
                self._next_file()

    def state(self) -> dict[str, int]:
        return {"visit": self._visit, "row": self._row}

    def load_state(self, state: Mapping[str, int]) -> None:
        self.close()
        self._visit, self._row = state["visit"], state["row"]

    def close(self) -> None:
        """Let go of the file; a later read opens it again."""
        if self._file is not None:
            self._file.close()
        self._file, self._datasets = None, []

    def _next_file(self) -> None:
        self._visit += 1
        self._row = 0
        if len(self.files) == 1:
            self._order_rows()
        else:
            self.close()

    def _open(self) -> None:
        self._file = h5py.File(self.files[self._index()], "r", rdcc_nbytes=CHUNK_CACHE)
        self._datasets = [self._file[name] for name in self.names]
        self._rows = len(self._datasets[0])
        if sum(dataset.nbytes for dataset in self._datasets) <= IN_MEMORY:
            self._datasets = [dataset[...] for dataset in self._datasets]
        self._order_rows()

    def _index(self) -> int:
        """Which of the files this visit is to."""
        turn, index = divmod(self._visit, len(self.files))
        if self.shuffle:
            index = np.random.default_rng([self.seed, 0, turn]).permutation(len(self.files))[index]
        return int(index)

    def _order_rows(self) -> None:
        if self.shuffle:
            self._order = np.random.default_rng([self.seed, 1, self._visit]).permutation(self._rows)

    def _copy(self, dataset: Any, out: np.ndarray) -> None:
        start, stop = self._row, self._row + len(out)
        if self._order is None:
            if isinstance(dataset, np.ndarray):
                out[...] = dataset[start:stop]
            else:
                dataset.read_direct(out, np.s_[start:stop])
            return
        rows = self._order[start:stop]
        if isinstance(dataset, np.ndarray):
            out[...] = dataset[rows]
        else:
            ascending = np.argsort(rows)  # HDF5 reads rows in their own order only
            out[ascending] = dataset[rows[ascending]]

    def _check(self, path: Path) -> None:
        if not path.is_file():
            raise DataError(f"the HDF5 file '{path}' {does_not_exist(path)}")
        try:
            with h5py.File(path, "r") as file:
                shapes = [_shape(path, file, name) for name in self.names]
        except OSError as error:
            raise DataError(f"the HDF5 file '{path}' cannot be read: {error}") from error
        if len({shape[0] for shape in shapes}) > 1:
            rows = ", ".join(f"'{name}' {shape[0]}" for name, shape in zip(self.names, shapes, strict=True))
            raise DataError(f"the datasets of '{path}' differ in their number of rows: {rows}")
        self._file_rows.append(shapes[0][0])
        rest = [shape[1:] for shape in shapes]
        self.row_shapes = self.row_shapes or rest
        for name, wanted, came in zip(self.names, self.row_shapes, rest, strict=True):
            if wanted != came:
                raise DataError(
                    f"a row of dataset '{name}' has shape {came} in '{path}', but {wanted} in '{self.files[0]}'"
                )


def _shape(path: Path, file: h5py.File, name: str) -> tuple[int, ...]:
    if name not in file or not isinstance(file[name], h5py.Dataset):
        there = [key for key, value in file.items() if isinstance(value, h5py.Dataset)]
        raise DataError(
            f"'{path}' has no dataset '{name}'{did_you_mean(name, there)}; there are {', '.join(there) or 'none'} "
            "(each top is read from the dataset of its name)"
        )
    dataset = file[name]
    if dataset.dtype.kind not in "iufb":
        raise DataError(f"dataset '{name}' of '{path}' holds {dataset.dtype}, not numbers")
    if not dataset.ndim or not dataset.size:
        raise DataError(f"dataset '{name}' of '{path}' has no rows (shape {dataset.shape})")
    return dataset.shape
