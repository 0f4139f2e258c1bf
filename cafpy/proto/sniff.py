"""What a file is by its first bytes, for the messages about one that is not what it should be."""

from __future__ import annotations

_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r"))


def is_text(content: bytes) -> bool:
    """Whether there are no control characters in the first 4 KiB, as in text of any 8-bit encoding or UTF-8."""
    sample = content[:4096]
    return bool(sample) and len(sample.translate(None, _CONTROL)) == len(sample)


def instead(content: bytes) -> str:
    """What a file that is not the wanted one is instead, and what to do; "" when nothing is known."""
    start = content[:512].lstrip().lower()
    if not content:
        return "it is empty; was its writer stopped? Fetch or write it again"
    if start.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer; run `git lfs pull` to get the real file"
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "it is a web page, so the download went wrong; fetch it again"
    if start.startswith(b"\x89hdf"):
        return "it is an HDF5 file (.h5)"
    if start.startswith((b"\x1f\x8b", b"pk\x03\x04")):
        return "it is a compressed archive; unpack it"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "it is text in UTF-16; save it as UTF-8"
    return ""
