"""Where images with labels come from, one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from cafpy.errors import DataError
from cafpy.feed.backends import open_database
from cafpy.feed.datum import datum_label, datum_to_image, parse_datum
from cafpy.feed.in_memory import load_raw_images
from cafpy.feed.order import Order


class BadRecord(DataError):
    """One record, or one image file, cannot be used; the others may be."""


@runtime_checkable
class LabelCounting(Protocol):
    """A source that knows how often each label comes in one pass."""

    def label_counts(self) -> Mapping[float, int]:
        """Labels and how many records have each; records that are damaged do not count. Called before any batch."""
        ...


Block = tuple[np.ndarray, np.ndarray]  # images N×C×H×W, labels N


class Source(Protocol):
    """An endless stream of images with labels; :class:`cafpy.feed.reader.BatchReader` makes batches of it.

    ``seed``, which the reader sets before anything is fetched, fixes what is random here, as the order of files.
    ``fetch`` gets what lies at a position of the stream (0, 1, 2, …; past the last record it goes on with the first,
    perhaps in another order). It is called by one thread at a time, mostly with rising positions. ``decode`` makes the
    image (C×H×W, uint8 or float32) and the label; several threads may be in it at once. Both raise BadRecord when it is
    this one record that cannot be used.
    """

    seed: int

    def fetch(self, position: int) -> Any: ...

    def decode(self, fetched: Any, color: bool | None) -> tuple[np.ndarray, float]: ...

    def name(self, fetched: Any) -> str:
        """How errors call this record."""
        ...

    def block(self, positions: np.ndarray, color: bool | None) -> Block | None:
        """The images and labels at these positions at once, uint8 or float32, which the caller does not change;
        None when this source gives them one by one. Called by one thread at a time."""
        ...

    @property
    def costly(self) -> bool:
        """Whether decoding takes long enough for several threads."""
        ...

    @property
    def one_size(self) -> str:
        """What to do when images of different sizes meet in a batch, for errors."""
        ...

    def close(self) -> None: ...


class DatabaseSource:
    """The records of an LMDB or LevelDB, Datum messages, in the order of their keys.

    With ``shuffle`` they come in a new random order in each pass, fixed by the seed and the number of the pass; all
    keys, but no records, are held in memory then.

    Raises DataError when the database cannot be opened (see :func:`cafpy.feed.backends.open_database`).
    """

    seed = 0
    one_size = "make the database with images of one size, or give a crop_size, or batch_size: 1"

    def __init__(self, path: str | Path, backend: str | int | None = None, shuffle: bool = False):
        self.database = open_database(path, backend)
        self._order = Order(len(self.database)) if shuffle else None
        self._loaded: Block | None = None
        self._tried = False

    def __len__(self) -> int:
        return len(self.database)

    @property
    def costly(self) -> bool:
        return bool(self.fetch(0)[1].encoded)

    def label_counts(self) -> Mapping[float, int]:
        counts: Counter[float] = Counter()
        for i in range(len(self.database)):
            _, value = self.database.record(i)
            with suppress(DataError):  # reading will tell
                counts[datum_label(value)] += 1
        return counts

    def fetch(self, position: int) -> tuple[bytes, Any]:
        if self._order is None:
            key, value = self.database.record(position)
        else:
            key, value = self.database.pick(self._order.index(position, self.seed))
        try:
            return key, parse_datum(value)
        except DataError as error:
            raise BadRecord(f"{self.name((key, None))}: {error}") from error

    def decode(self, fetched: tuple[bytes, Any], color: bool | None) -> tuple[np.ndarray, float]:
        datum = fetched[1]
        try:
            return datum_to_image(datum, color), float(datum.label)
        except DataError as error:
            raise BadRecord(f"{self.name(fetched)} {error}") from error

    def block(self, positions: np.ndarray, color: bool | None) -> Block | None:
        if color is not None:
            return None
        if not self._tried:
            self._tried = True
            self._loaded = load_raw_images(self.database)
        if self._loaded is None:
            return None
        images, labels = self._loaded
        rows = positions % len(images) if self._order is None else self._order.indices(positions, self.seed)
        run = slice(rows[0], rows[0] + len(rows))
        if rows[-1] - rows[0] == len(rows) - 1 and (len(rows) < 3 or np.all(np.diff(rows) == 1)):
            return images[run], labels[run]
        return images[rows], labels[rows]

    def name(self, fetched: tuple[bytes, Any]) -> str:
        return f"{self.database}, record '{fetched[0].decode('utf-8', 'backslashreplace')}'"

    def close(self) -> None:
        self.database.close()
