"""Brings a growing file to the disk while it is written, so that little is left to wait for in the end."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path


class EarlySync:
    """A thread that syncs ``path`` after each :meth:`nudge`; nudges that come meanwhile make one.

    It promises nothing: whoever needs the file on the disk syncs it, which then takes little time.
    """

    def __init__(self, path: Path):
        self._path = path
        self._wake = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def nudge(self) -> None:
        """More has been written."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="cafpy-sync", daemon=True)
            self._thread.start()
        self._wake.set()

    def stop(self) -> None:
        """End the thread. A second call does nothing."""
        self._stopped = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        with suppress(OSError):  # where a file cannot be synced, the one who must will tell
            handle = os.open(self._path, os.O_RDWR)
            try:
                while self._wake.wait() and not self._stopped:
                    self._wake.clear()
                    os.fsync(handle)
            finally:
                os.close(handle)
