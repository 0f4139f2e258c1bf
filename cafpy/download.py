"""Fetch a published file: resumed where a transfer broke off, checked, and in place only when it is whole."""

from __future__ import annotations

import hashlib
import http.client
import importlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cafpy.errors import DataError
from cafpy.files import sync_folder

try:
    fcntl: Any = importlib.import_module("fcntl")
except ImportError:  # Windows
    fcntl = None

_CHUNK = 1 << 18
_TIMEOUT_S = 30

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all where the server says so


def download(urls: Sequence[str], path: str | Path, checksum: str | None, progress: Progress | None = None) -> Path:
    """Make ``path`` the file published at ``urls`` (mirrors, tried in order) and return it.

    ``checksum`` is "sha256:…", "md5:…" or another of hashlib's; None where none is published. A file that is there
    and has it is left alone. A transfer goes to ``path.part``; when it breaks off, the next mirror or the next call
    goes on from there. What was put together so and is wrong is fetched once more, whole. Processes that want the
    same file wait for the first of them.

    Raises DataError when no mirror gives the file, telling what each said and where to put it by hand.
    """
    path = Path(path)
    said = []
    if path.exists():
        if checksum is None or has_checksum(path, checksum):
            return path
        said.append(f"{path}: is there, but is not what was published ({_both(path, checksum)})")
    path.parent.mkdir(parents=True, exist_ok=True)
    with _turn(path) as part:
        if path.exists() and checksum and has_checksum(path, checksum):  # another process fetched it meanwhile
            return path
        for url in urls:
            try:
                resumed = _fetch(url, part, progress)
                if resumed and checksum and not has_checksum(part, checksum):
                    part.write_bytes(b"")
                    _fetch(url, part, progress)
            except (OSError, ValueError, http.client.HTTPException) as error:
                said.append(f"{url}: {_reason(error)}")
                continue
            if checksum is None or has_checksum(part, checksum):
                os.replace(part, path)
                sync_folder(path.parent)
                return path
            said.append(f"{url}: what came has the wrong checksum ({_both(part, checksum)}); removed")
            part.write_bytes(b"")
    raise DataError(
        f"{path} could not be fetched:\n  "
        + "\n  ".join(said)
        + f"\nWithout a network, fetch it elsewhere and put it at {path.resolve()}."
    )


def has_checksum(path: Path, checksum: str) -> bool:
    """Whether the file's content has this checksum, "sha256:…" or "md5:…"."""
    return file_checksum(path, checksum.partition(":")[0]) == checksum


def check_file(path: Path, checksum: str) -> None:
    """Raise DataError naming both checksums when the file has another one, or saying that it is not there."""
    if not path.is_file():
        raise DataError(f"there is no {path}")
    if not has_checksum(path, checksum):
        raise DataError(f"{path} has the wrong checksum ({_both(path, checksum)})")


def file_checksum(path: Path, algorithm: str = "sha256") -> str:
    """The file's checksum, "sha256:…" or as ``algorithm`` says."""
    with path.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"


def _both(path: Path, checksum: str) -> str:
    return f"{file_checksum(path, checksum.partition(':')[0])}, wanted {checksum}"


@contextmanager
def _turn(path: Path) -> Iterator[Path]:
    """Give ``path.part`` when no other process of this machine is at it; afterwards it is gone if it is empty."""
    part = path.with_name(path.name + ".part")
    while True:
        file = part.open("ab")
        if fcntl is not None:
            with suppress(OSError):  # some network file systems have no locks
                fcntl.flock(file, fcntl.LOCK_EX)
        if part.exists() and os.path.samestat(os.fstat(file.fileno()), part.stat()):
            break
        file.close()  # who was at it before took the file away: wait on the new one
    if fcntl is None:
        file.close()  # Windows renames no open file
    try:
        yield part
    finally:
        if part.exists() and not part.stat().st_size:
            part.unlink()
        file.close()


def _fetch(url: str, part: Path, progress: Progress | None) -> bool:
    """Append what is missing in ``part``, or write it anew where the server cannot resume; tell whether it resumed."""
    have = part.stat().st_size
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is missing: the last run broke off after the last byte
            return True
        raise
    with response:
        resumed = response.status == 206
        have = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        with part.open("ab" if resumed else "wb") as file:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                have += len(chunk)
                if progress:
                    progress(have, total)
            file.flush()
            os.fsync(file.fileno())
        if total is not None and have < total:
            raise OSError(f"the transfer broke off after {have} of {total} bytes; run again to go on from there")
    return resumed


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server says {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"no connection ({error.reason})"
    return str(error) or type(error).__name__
