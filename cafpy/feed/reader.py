"""Batches of transformed images with labels, made ahead in the background, the same ones for the same seed."""

from __future__ import annotations

from typing import Any

from cafpy.backend import default_threads
from cafpy.feed.batch_maker import Batch, BatchMaker
from cafpy.feed.prefetch import Prefetcher
from cafpy.feed.source import Source
from cafpy.feed.transformer import Transformer


class BatchReader:
    """Reads batches from a source.

    Args:
        source: where the images come from; :meth:`close` closes it, as does an error here.
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
        source.seed = seed
        self.world = world
        self.prefetch = prefetch
        self._maker = BatchMaker(
            source,
            batch_size,
            transformer,
            seed=seed,
            rank=rank,
            world=world,
            rand_skip=rand_skip,
            buffers=prefetch + 1,
        )
        self._prefetcher: Prefetcher[Any, Batch] | None = None
        self._start = 0
        try:
            costly = source.costly or transformer.augmentation is not None
            self.workers = workers or (min(prefetch, default_threads()) if costly else 1)
            self.label_shape = self._maker.label_shape
            self.shape = (batch_size, *self._maker.first_shape())
        except BaseException:
            source.close()
            raise

    label_shape: tuple[int, ...]
    """N, or N×classes where batches are mixed."""

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

    @property
    def seed(self) -> int:
        """Fixes all random numbers. Setting it, like a position, throws away what was prefetched."""
        return self._maker.seed

    @seed.setter
    def seed(self, seed: int) -> None:
        self.position = self.position
        self._maker.seed = self.source.seed = seed

    def next(self) -> Batch:
        """The next batch: images, float32 of N×C×H×W, and labels, float32 of N (N×classes where batches are mixed).

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
