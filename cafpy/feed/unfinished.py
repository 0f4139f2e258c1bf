"""Folders of databases that are being written, and what a killed writer has left of them."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from hashlib import blake2b
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK_NAME = "writing.lock"  # held by its writer, so that the next one knows that a partial folder is in use
IDENTITY_NAME = "writing.txt"  # what is written there
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class PartialFolder:
    """A folder ``<name>.partial-…`` beside ``path``, locked while it is in use.

    ``identity`` is text that tells what is written. With ``resume`` a folder that a killed writer of the same has left
    is taken up; all others that killed writers left for this path are removed. Where the machine was started anew since
    (or that cannot be told, as outside of Linux), or where folders cannot be locked, it begins anew: what had not come
    to the disk may be missing then.

    Attributes:
        folder: the folder; whoever is done moves or drops it.
        resumed: whether it was taken up.
    """

    def __init__(self, path: Path, identity: str = "", resume: bool = False):
        marker = _marker(identity)
        left = _left_behind(path)
        taken = next((one for one in left if resume and marker and _read(one[0]) == marker), None)
        for folder, handle in left:
            if taken is None or folder != taken[0]:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(handle)
        self.resumed = taken is not None
        self._handle: int | None
        if taken is not None:
            self.folder, self._handle = taken
            return
        self.folder = Path(tempfile.mkdtemp(prefix=f"{path.name}.partial-", dir=path.parent))
        self.folder.chmod(0o777 & ~_umask())
        self._handle = _lock(self.folder)
        if marker:
            (self.folder / IDENTITY_NAME).write_text(marker)

    def release(self) -> None:
        """Leave nothing but the database in the folder, and do not hold it any more."""
        (self.folder / IDENTITY_NAME).unlink(missing_ok=True)
        if self._handle is not None:
            (self.folder / LOCK_NAME).unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = None

    def leave(self) -> bool:
        """Keep it for one who takes it up; False, and nothing is done, when nobody could."""
        if self._handle is None or not (self.folder / IDENTITY_NAME).exists():
            return False
        os.close(self._handle)
        self._handle = None
        return True

    def drop(self) -> None:
        """Remove it, unless it has been moved away."""
        self.release()
        shutil.rmtree(self.folder, ignore_errors=True)


def _marker(identity: str) -> str:
    """What stands in the folder; "" when it cannot be taken up."""
    try:
        boot = BOOT_ID.read_text().strip()
    except OSError:
        return ""
    digest = blake2b(identity.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    return f"{boot} {digest}" if identity else ""


def _read(folder: Path) -> str:
    try:
        return (folder / IDENTITY_NAME).read_text()
    except OSError:
        return ""


def _left_behind(path: Path) -> list[tuple[Path, int]]:
    """The partial folders for ``path`` whose writers are dead, and locks on them."""
    if fcntl is None:
        return []
    found = ((folder, _lock(folder)) for folder in sorted(path.parent.glob(f"{glob.escape(path.name)}.partial-*")))
    return [(folder, handle) for folder, handle in found if handle is not None]


def _lock(folder: Path) -> int | None:
    if fcntl is None:
        return None
    handle = os.open(folder / LOCK_NAME, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # in use, or a file system without locks
        os.close(handle)
        return None
    return handle


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
