"""Counts the records that cannot be used, up to a limit."""

from __future__ import annotations

import logging
import threading

from cafpy.errors import DataError

logger = logging.getLogger(__name__)


class BadRecords:
    """The bad records of one reader; any thread may add to them.

    Attributes:
        limit: how many different ones are let pass, each with one warning.
        last: what was wrong with the last one.
    """

    def __init__(self, limit: int):
        self.limit = limit
        self.last = ""
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._seen)

    def skip(self, error: DataError) -> None:
        """Note one. Raises DataError when there are more than the limit; with a limit of 0, ``error`` itself."""
        if not self.limit:
            raise error
        text = str(error)
        with self._lock:
            new = text not in self._seen
            self._seen.add(text)
            self.last = text
            count = len(self._seen)
        if count > self.limit:
            raise DataError(
                f"{text}; with it {count} records cannot be used, and max_corrupt allows {self.limit}. "
                "`cafpy data check` lists those of a database"
            ) from error
        if new:
            logger.warning("%s; left out (%d of at most %d)", text, count, self.limit)
