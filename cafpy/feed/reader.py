"""Batches of transformed images with labels, made ahead in the background, the same ones for the same seed."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from cafpy.backend import default_threads
from cafpy.errors import DataError
from cafpy.feed.prefetch import Prefetcher
from cafpy.feed.source import Source
from cafpy.feed.transformer import Transformer, draws


class BatchReader:
    """Reads batches from a source.

    Args:
        source: where the images come from; :meth:`close` closes it.
        batch_size: images in a batch.
        transformer: what is done to each image.
        seed: fixes random crops, mirroring and the skip. What is drawn for an image depends on seed and position only.
        rank, world: of ``world`` readers, this one takes the records ``rank``, ``rank + world``, …, as Caffe's solvers
            do when they share a database.
        prefetch: batches made ahead.
        rand_skip: skip up to this many records (less one) at the start.
        workers: background threads; None takes one, or more where images have to be decoded.

    Raises DataError when the first image cannot be read or does not fit the transformer.
    """

    def __init__(
        self,
        source: Source,
        batch_size: int,
        transformer: Transformer,
        *,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
        prefetch: int = 4,
        rand_skip: int = 0,
        workers: int | None = None,
    ):
        self.source = source
        self.world = world
        self.prefetch = prefetch
        self.workers = workers or (min(prefetch, default_threads()) if source.costly else 1)
        self._maker = _BatchMaker(source, batch_size, transformer, seed, rank, world, prefetch + 1, rand_skip)
        self._prefetcher: Prefetcher[list[Any], tuple[np.ndarray, np.ndarray]] | None = None
        self._start = 0
        self.shape = (batch_size, *self._maker.first_shape())

    shape: tuple[int, int, int, int]
    """N×C×H×W of the first batch. Without crop_size a later batch may have another H×W, one and the same for all of
    its images."""

    @property
    def position(self) -> int:
        """Records that :meth:`next` has handed out here and, in the same number, to the other ranks.

        Setting it makes the next batch start there, whatever was prefetched.
        """
        done = self._prefetcher.handed_out if self._prefetcher else 0
        return self._start + done * self.shape[0] * self.world

    @position.setter
    def position(self, position: int) -> None:
        self._stop()
        self._start = position

    def next(self) -> tuple[np.ndarray, np.ndarray]:
        """The next batch: images, float32 of N×C×H×W, and labels, float32 of N.

        The arrays are reused: they hold this batch until the next call. Raises DataError, naming the record, when
        one cannot be used.
        """
        if self._prefetcher is None:
            self._maker.start = self._start
            self._prefetcher = Prefetcher(self._maker.read, self._maker.make, self.prefetch, self.workers)
        return self._prefetcher.next()

    def close(self) -> None:
        """End the threads and close the source; never hangs. A second call does nothing."""
        if self._stop():
            self.source.close()

    def _stop(self) -> bool:
        """End the threads; False when one is stuck in the source, which must then not be closed under it."""
        prefetcher, self._prefetcher = self._prefetcher, None
        return prefetcher is None or prefetcher.close()


class _BatchMaker:
    """Makes batch after batch; what the background threads hold, so that they do not keep the reader alive."""

    def __init__(
        self,
        source: Source,
        batch_size: int,
        transformer: Transformer,
        seed: int,
        rank: int,
        world: int,
        buffers: int,
        rand_skip: int,
    ):
        self.source = source
        self.batch_size = batch_size
        self.transformer = transformer
        self.seed = seed
        self.rank = rank
        self.world = world
        self.start = 0
        self.skip = int(np.random.Philox(key=seed, counter=SKIP_COUNTER).random_raw()) % rand_skip if rand_skip else 0
        self._data = [np.empty(0, np.float32) for _ in range(buffers)]
        self._labels = [np.empty(batch_size, np.float32) for _ in range(buffers)]

    def first_shape(self) -> tuple[int, int, int]:
        fetched = self.source.fetch(self.skip + self.rank)
        image, _ = self.source.decode(fetched, self.transformer.color)
        return self._output_shape(fetched, image)

    def read(self, number: int) -> list[Any]:
        """What batch ``number`` is made of."""
        first = self.skip + self._position(number)
        return [self.source.fetch(first + i * self.world) for i in range(self.batch_size)]

    def make(self, number: int, records: list[Any]) -> tuple[np.ndarray, np.ndarray]:
        """The batch, in buffers of its own."""
        words = draws(self.seed, self._position(number), self.batch_size, self.world)
        buffer = number % len(self._data)
        labels = self._labels[buffer]
        data: np.ndarray | None = None
        for i, record in enumerate(records):
            image, labels[i] = self.source.decode(record, self.transformer.color)
            shape = self._output_shape(record, image)
            if data is None:
                data = self._buffer(buffer, shape)
            elif shape != data.shape[1:]:
                raise DataError(
                    f"{self.source.name(record)} gives {_by(shape)} (channels × height × width), but the first of its "
                    f"batch, '{self.source.name(records[0])}', gave {_by(data.shape[1:])}; resize the images when the "
                    "database is made, or give a crop_size, or batch_size: 1"
                )
            self.transformer.apply(image, data[i], words[i])
        assert data is not None
        return data, labels

    def _position(self, number: int) -> int:
        return self.start + self.rank + number * self.batch_size * self.world

    def _output_shape(self, record: Any, image: np.ndarray) -> tuple[int, int, int]:
        try:
            return self.transformer.output_shape(*image.shape)
        except DataError as error:
            raise DataError(f"{self.source.name(record)}: {error}") from error

    def _buffer(self, index: int, shape: tuple[int, int, int]) -> np.ndarray:
        """Buffer ``index`` as an array for images of this shape; it grows when need be."""
        size = self.batch_size * prod(shape)
        if self._data[index].size < size:
            self._data[index] = np.empty(size, np.float32)
        return self._data[index][:size].reshape(self.batch_size, *shape)


SKIP_COUNTER = 1 << 200  # far from the counters of images


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
