"""Fetch a published file: resumed where a transfer broke off, checked, and in place only when it is whole."""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from cafpy.errors import DataError

_CHUNK = 1 << 18
_TIMEOUT_S = 30

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all where the server says so


def download(urls: Sequence[str], path: str | Path, checksum: str, progress: Progress | None = None) -> Path:
    """Make ``path`` the file published at ``urls`` (mirrors, tried in order) and return it.

    ``checksum`` is "sha256:…" or "md5:…". A file that is there and has it is left alone. A transfer goes to
    ``path.part``; when it breaks off, the next call goes on from there.

    Raises DataError when no mirror gives the file, telling what each said and where to put it by hand.
    """
    path = Path(path)
    if path.exists() and has_checksum(path, checksum):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    said = []
    for url in urls:
        try:
            _fetch(url, part, progress)
        except (OSError, ValueError) as error:
            said.append(f"{url}: {_reason(error)}")
            continue
        if has_checksum(part, checksum):
            os.replace(part, path)
            return path
        said.append(f"{url}: what came has the wrong checksum ({_digest(part, checksum)}, wanted {checksum}); removed")
        part.unlink()
    raise DataError(
        f"{path} could not be fetched:\n  "
        + "\n  ".join(said)
        + f"\nWithout a network, fetch it elsewhere and put it at {path.resolve()}."
    )


def has_checksum(path: Path, checksum: str) -> bool:
    """Whether the file's content has this checksum, "sha256:…" or "md5:…"."""
    return _digest(path, checksum) == checksum


def _digest(path: Path, checksum: str) -> str:
    algorithm = checksum.partition(":")[0]
    with path.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"


def _fetch(url: str, part: Path, progress: Progress | None) -> None:
    """Append what is missing in ``part``, or write it anew where the server cannot resume."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is missing: the last run broke off after the last byte
            return
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


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server says {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"no connection ({error.reason})"
    return str(error)
