"""Makes one batch: which records, their random numbers, into which buffer."""

from __future__ import annotations

import threading
from math import prod
from typing import Any

import numpy as np

from cafpy.errors import DataError
from cafpy.feed.bad_records import BadRecords
from cafpy.feed.source import BadRecord, Block, Source
from cafpy.feed.transformer import Transformer, draws

SKIP_COUNTER = 1 << 200  # of the random number for rand_skip, far from those of images
Batch = tuple[np.ndarray, np.ndarray]  # images, float32 of N×C×H×W; labels, float32 of N, or N×classes if mixed


class BatchMaker:
    """What the background threads of a :class:`cafpy.feed.reader.BatchReader` run; the arguments are the reader's.

    Attributes:
        start: position of batch 0 in the stream.
    """

    def __init__(
        self,
        source: Source,
        batch_size: int,
        transformer: Transformer,
        *,
        seed: int,
        rank: int,
        world: int,
        rand_skip: int,
        buffers: int,
    ):
        self.source = source
        self.batch_size = batch_size
        self.transformer = transformer
        self.seed = seed
        self.rank = rank
        self.world = world
        self.start = 0
        self.rand_skip = rand_skip
        self.bad = BadRecords(transformer.max_corrupt)
        self._fetching = threading.Lock()
        self._data = [np.empty(0, np.float32) for _ in range(buffers)]
        self.label_shape = (batch_size,) if transformer.mix is None else (batch_size, transformer.mix.classes)
        self._labels = [np.empty(self.label_shape, np.float32) for _ in range(buffers)]

    @property
    def skip(self) -> int:
        """Records left out at the start."""
        if not self.rand_skip:
            return 0
        return int(np.random.Philox(key=self.seed, counter=SKIP_COUNTER).random_raw()) % self.rand_skip

    def first_shape(self) -> tuple[int, int, int]:
        """What the first image that can be used comes out as; C×H×W."""
        position = self.skip + self.start + self.rank
        record, image, _ = self._next_good(position)
        self._augmented(record, image, position)  # its errors come now rather than in the background
        return self._output_shape(record, self.transformer.augmented_shape(image.shape))

    def read(self, number: int) -> Block | list[Any]:
        """What batch ``number`` is made of."""
        positions = self.skip + self._position(number) + self.world * np.arange(self.batch_size)
        block = None
        if self.transformer.augmentation is None:
            block = self.source.block(positions, self.transformer.color)
        if block is not None:
            return block
        with self._fetching:
            return [self._fetch(position) for position in positions.tolist()]

    def make(self, number: int, raw: Block | list[Any]) -> Batch:
        """The batch, in buffers that the batch ``len(buffers)`` later uses again."""
        images: np.ndarray | list[np.ndarray]
        positions = range(self._position(number), self._position(number + 1), self.world)
        records: list[Any] = []
        if isinstance(raw, tuple):
            images, values = raw
        else:
            records, images, values = self._decode(raw, positions.stop + self.skip)
        if self.transformer.augmentation is not None:
            images = [self._augmented(*item) for item in zip(records, images, positions, strict=True)]
        if isinstance(images, np.ndarray):
            shape = self.transformer.output_shape(*images.shape[1:])
        else:
            shape = self._common_shape(records, [image.shape for image in images])
        index = number % len(self._data)
        data, labels = self._buffer(index, shape), self._labels[index]
        words = None
        if self.transformer.random:
            words = draws(self.seed, self._position(number), self.batch_size, self.world)
        self.transformer.apply(images, data, words)
        self.transformer.finish(data, self.seed, positions)
        if self.transformer.mix is None:
            labels[...] = values
        else:
            self.transformer.mixed(data, values, labels, self.seed, positions.start)
        return data, labels

    def _position(self, number: int) -> int:
        return self.start + self.rank + number * self.batch_size * self.world

    def _fetch(self, position: int) -> Any:
        try:
            return self.source.fetch(position)
        except BadRecord as error:
            self.bad.skip(error)
            return error

    def _decode(self, records: list[Any], after: int) -> tuple[list[Any], list[np.ndarray], np.ndarray]:
        """Records, images and labels. In the place of a bad record comes the next good one of the batch, or else the
        first, or else one from position ``after`` on: what a batch holds must not depend on what other threads read."""
        decoded: list[tuple[Any, np.ndarray, float] | None] = []
        for record in records:
            try:
                if isinstance(record, BadRecord):
                    raise record
                decoded.append((record, *self.source.decode(record, self.transformer.color)))
            except BadRecord as error:
                self.bad.skip(error)
                decoded.append(None)
        good = [item for item in decoded if item is not None]
        if len(good) < len(decoded):
            following = good[0] if good else self._next_good(after)
            for i in reversed(range(len(decoded))):
                following = decoded[i] = decoded[i] or following
        whole = [item for item in decoded if item is not None]
        labels = np.array([label for _, _, label in whole], np.float32)
        return [record for record, _, _ in whole], [image for _, image, _ in whole], labels

    def _next_good(self, position: int) -> tuple[Any, np.ndarray, float]:
        for _ in range(self.bad.limit + 1):
            try:
                with self._fetching:
                    record = self.source.fetch(position)
                return (record, *self.source.decode(record, self.transformer.color))
            except BadRecord as error:
                self.bad.skip(error)
                position += self.world
        raise DataError(f"no record can be used; the last: {self.bad.last}")

    def _augmented(self, record: Any, image: np.ndarray, position: int) -> np.ndarray:
        try:
            return self.transformer.augmented(image, self.seed, position)
        except DataError as error:
            raise DataError(f"{self.source.name(record)} {error}") from error

    def _common_shape(self, records: list[Any], shapes: list[tuple[int, ...]]) -> tuple[int, int, int]:
        """What all images of a batch come out as."""
        first = self._output_shape(records[0], shapes[0])
        for i in range(1, len(records)):
            if shapes[i] != shapes[i - 1] and (shape := self._output_shape(records[i], shapes[i])) != first:
                raise DataError(
                    f"{self.source.name(records[i])} gives {_by(shape)} (channels × height × width), but the first of "
                    f"its batch, {self.source.name(records[0])}, gives {_by(first)}; {self.source.one_size}"
                )
        return first

    def _output_shape(self, record: Any, shape: tuple[int, ...]) -> tuple[int, int, int]:
        try:
            return self.transformer.output_shape(*shape)
        except DataError as error:
            raise DataError(f"{self.source.name(record)}: {error}") from error

    def _buffer(self, index: int, shape: tuple[int, int, int]) -> np.ndarray:
        """Buffer ``index`` as an array for images of this shape; it grows when need be."""
        size = self.batch_size * prod(shape)
        if self._data[index].size < size:
            self._data[index] = np.empty(size, np.float32)
        return self._data[index][:size].reshape(self.batch_size, *shape)


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
