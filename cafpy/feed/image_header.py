"""What the first bytes of an image file tell: its format, height and width, before anything is decoded."""

from __future__ import annotations

import re
from collections.abc import Callable

Size = tuple[int, int]  # height, width


def image_format(content: bytes) -> str:
    """ "jpg", "png", "gif", "bmp", "webp", "tif" or "pnm" by the content, whatever the file's name; else ""."""
    for start, name in STARTS.items():
        if content.startswith(start):
            return name
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    return "pnm" if re.match(rb"P[1-6][\s#]", content) else ""


def image_size(content: bytes) -> Size | None:
    """Height and width as the header says; None where the format is unknown or the header is damaged."""
    read = READERS.get(image_format(content))
    return read(content) if read else None


def start_of_scan(content: bytes) -> int:
    """Where a JPEG's pixels start; its length when they never do."""
    return _jpeg_markers(content)[0]


def _jpeg(content: bytes) -> Size | None:
    return _jpeg_markers(content)[1]


def _jpeg_markers(content: bytes) -> tuple[int, Size | None]:
    """Start of the scan and the size in the frame header, found by hopping from marker to marker."""
    at, size = 2, None
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            return at, size  # not where a marker should be: let the decoder judge
        marker = content[at + 1]
        if marker == 0xDA:
            return at, size
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and at + 9 <= len(content):
            size = _big(content, at + 5, 2), _big(content, at + 7, 2)
        at += 2 + _big(content, at + 2, 2)
    return len(content), size


def _png(content: bytes) -> Size | None:
    return (_big(content, 20, 4), _big(content, 16, 4)) if content[12:16] == b"IHDR" and len(content) >= 24 else None


def _bmp(content: bytes) -> Size | None:
    if len(content) < 26:
        return None
    width, height = (int.from_bytes(content[at : at + 4], "little", signed=True) for at in (18, 22))
    return abs(height), abs(width)


def _webp(content: bytes) -> Size | None:
    if len(content) < 30:
        return None
    if content[12:16] == b"VP8X":
        return _little(content, 27, 3) + 1, _little(content, 24, 3) + 1
    if content[12:16] == b"VP8L":
        bits = _little(content, 21, 4)
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    return _little(content, 28, 2) & 0x3FFF, _little(content, 26, 2) & 0x3FFF


def _tiff(content: bytes) -> Size | None:
    order = "little" if content[:2] == b"II" else "big"

    def number(at: int, count: int) -> int:
        return int.from_bytes(content[at : at + count], order)  # type: ignore[arg-type]

    at, found = number(4, 4), {}
    for entry in range(at + 2, min(at + 2 + 12 * number(at, 2), len(content) - 11), 12):
        found[number(entry, 2)] = number(entry + 8, 2 if number(entry + 2, 2) == 3 else 4)
    return (found[257], found[256]) if 256 in found and 257 in found else None


def _pnm(content: bytes) -> Size | None:
    match = re.match(rb"P[1-6](?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)", content)
    return (int(match[2]), int(match[1])) if match else None


def _big(content: bytes, at: int, count: int) -> int:
    return int.from_bytes(content[at : at + count], "big")


def _little(content: bytes, at: int, count: int) -> int:
    return int.from_bytes(content[at : at + count], "little")


STARTS = {
    b"\xff\xd8": "jpg",
    b"\x89PNG\r\n\x1a\n": "png",
    b"GIF8": "gif",
    b"BM": "bmp",
    b"II*\0": "tif",
    b"MM\0*": "tif",
}
READERS: dict[str, Callable[[bytes], Size | None]] = {
    "jpg": _jpeg,
    "png": _png,
    "bmp": _bmp,
    "webp": _webp,
    "tif": _tiff,
    "pnm": _pnm,
}
