"""Batches of an Hdf5Source, made ahead in the background."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cafpy.feed.hdf5_source import Hdf5Source
from cafpy.feed.prefetch import Prefetcher

Batch = tuple[list[np.ndarray], dict[str, int]]  # an array for each dataset; where the source stands after it


class Hdf5Reader:
    """Reads ``batch_size`` rows at a time, up to ``prefetch`` batches ahead.

    One thread does it: the HDF5 library lets no two of them in. ``rank`` of ``world`` readers takes the batches
    ``rank``, ``rank + world``, … of the stream, so all of them together read what one with larger batches would.
    """

    def __init__(
        self,
        source: Hdf5Source,
        batch_size: int,
        dtype: Any = np.float32,
        prefetch: int = 4,
        rank: int = 0,
        world: int = 1,
    ):
        self.source = source
        self.batch_size = batch_size
        self.prefetch = prefetch
        self.before, self.after = rank * batch_size, (world - 1 - rank) * batch_size
        self.shapes = [(batch_size, *row) for row in source.row_shapes]
        self._buffers = [[np.empty(shape, dtype) for shape in self.shapes] for _ in range(prefetch + 1)]
        self._state = source.state()
        self._prefetcher: Prefetcher[Batch, Batch] | None = None

    def next(self) -> list[np.ndarray]:
        """The next batch; its arrays hold it until the next call. Raises DataError when a file is damaged."""
        if self._prefetcher is None:
            read = _Read(self.source, self._buffers, self.before, self.after)
            self._prefetcher = Prefetcher(read, _as_it_is, self.prefetch)
        arrays, self._state = self._prefetcher.next()
        return arrays

    def state(self) -> dict[str, int]:
        """Where the batch after the last one that was handed out begins."""
        return dict(self._state)

    def load_state(self, state: Mapping[str, int], seed: int) -> None:
        """Go on there, whatever was prefetched."""
        self._stop()
        self.source.seed = seed
        self.source.load_state(state)
        self._state = self.source.state()

    def close(self) -> None:
        """End the thread and let go of the file. A second call does nothing."""
        if self._stop():
            self.source.close()

    def _stop(self) -> bool:
        prefetcher, self._prefetcher = self._prefetcher, None
        return prefetcher is None or prefetcher.close()


class _Read:
    """Reads the batches one after the other; holds no reference to the reader, so that it can be forgotten."""

    def __init__(self, source: Hdf5Source, buffers: list[list[np.ndarray]], before: int, after: int):
        self.source = source
        self.buffers = buffers
        self.before, self.after = before, after

    def __call__(self, number: int) -> Batch:
        arrays = self.buffers[number % len(self.buffers)]
        self.source.skip(self.before)
        self.source.read(arrays)
        self.source.skip(self.after)
        return arrays, self.source.state()


def _as_it_is(number: int, batch: Batch) -> Batch:
    return batch
