"""Batches made in background threads, a few ahead of who uses them."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Raw = TypeVar("Raw")
Batch = TypeVar("Batch")

JOIN_SECONDS = 10.0  # a thread that hangs in a dead network disk is left behind after this time


class Prefetcher(Generic[Raw, Batch]):
    """Hands out batches 0, 1, 2, … while threads make up to ``depth`` of the following ones.

    ``read(number)`` gets what batch ``number`` is made of; it is called in order, by one thread at a time.
    ``make(number, raw)`` makes the batch; with several ``workers`` it runs in several threads at once.
    At most ``depth + 1`` batches are alive: making batch n starts only after the call of :meth:`next` that gives up
    batch n - depth - 1, so ``make`` may write into buffer ``number % (depth + 1)``.

    An error in ``read`` or ``make`` is raised by the :meth:`next` that would have handed out that batch, and by all
    later ones. ``read`` and ``make`` must not hold a reference to the prefetcher: one that nobody holds any more
    ends its threads, as does the end of the program.
    """

    def __init__(self, read: Callable[[int], Raw], make: Callable[[int, Raw], Batch], depth: int = 4, workers: int = 1):
        self._line = _Line(read, make, depth)
        self._threads = [
            threading.Thread(target=self._line.work, name=f"cafpy-prefetch-{i}", daemon=True) for i in range(workers)
        ]
        self._close = weakref.finalize(self, _close, self._line, self._threads)
        for thread in self._threads:
            thread.start()

    @property
    def handed_out(self) -> int:
        """Number of batches that :meth:`next` has returned."""
        return self._line.handed_out

    def next(self) -> Batch:
        """The next batch. The one before it is given up: its buffers may be overwritten from now on."""
        batch: Batch = self._line.take()
        return batch

    def close(self) -> bool:
        """End the threads; a second call does nothing. False when one is stuck and had to be left behind."""
        self._close()
        return not any(thread.is_alive() for thread in self._threads if thread is not threading.current_thread())


class _Line:
    """The state that reader and threads share."""

    def __init__(self, read: Callable[[int], Any], make: Callable[[int, Any], Any], depth: int):
        self.read = read
        self.make = make
        self.depth = depth
        self.handed_out = 0
        self._allowed = depth  # batches below this number may be made
        self._claimed = 0
        self._done: dict[int, Any] = {}
        self._failed: dict[int, BaseException] = {}
        self._stopped = False
        self._changed = threading.Condition()
        self._turn = threading.Lock()  # whose turn it is to read

    def work(self) -> None:
        while True:
            with self._turn:
                number = self._claim()
                if number is None:
                    return
                try:
                    raw = self.read(number)
                except BaseException as error:
                    self._put(self._failed, number, error)
                    return
            try:
                self._put(self._done, number, self.make(number, raw))
            except BaseException as error:
                self._put(self._failed, number, error)
                return

    def take(self) -> Any:
        with self._changed:
            number = self.handed_out
            self._allowed = number + self.depth + 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: number in self._done or number in self._failed or self._stopped)
            if number in self._done:
                self.handed_out = number + 1
                return self._done.pop(number)
            if number in self._failed:
                raise self._failed[number]
            raise RuntimeError("this prefetcher is closed")

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _claim(self) -> int | None:
        with self._changed:
            self._changed.wait_for(lambda: self._claimed < self._allowed or self._stopped or self._failed)
            if self._stopped or self._failed:
                return None
            self._claimed += 1
            return self._claimed - 1

    def _put(self, results: dict[int, Any], number: int, result: Any) -> None:
        with self._changed:
            results[number] = result
            self._changed.notify_all()


def _close(line: _Line, threads: list[threading.Thread]) -> None:
    line.stop()
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join(JOIN_SECONDS)
