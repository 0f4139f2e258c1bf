"""What to say of a file that is not there: the nearest that is, and where it was looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from cafpy.errors import nearest

LOOKED_AT = 10_000  # names in a folder; comparing a million image files would take a minute


def does_not_exist(path: str | Path, *folders: Path, wanted: Callable[[Path], bool] = Path.is_file) -> str:
    """ "does not exist (did you mean 'models/net.prototxt'?) (looked in /home/me)", or "is a folder".

    A relative ``path`` is looked for from the working directory and then from ``folders``. What is proposed is
    ``wanted``; a folder on the way may be misspelt too.
    """
    path = Path(path)
    places = list(dict.fromkeys([Path.cwd(), *(folder.resolve() for folder in folders)]))
    looked = f" (looked in {' and '.join(map(str, places))})"
    if path.is_absolute():
        places, looked = [Path(path.anchor)], ""
    if any((place / path).is_dir() for place in places):
        return "is a folder"
    near = next((found for place in places for found in _nearest_path(place, path, wanted)), None)
    hint = f" (did you mean '{near}'?)" if near else ""
    return f"does not exist{hint}{looked}"


def _nearest_path(place: Path, path: Path, wanted: Callable[[Path], bool]) -> Iterator[Path]:
    """``path`` with each part that is not there replaced by the nearest that is, if that leads to what is wanted."""
    found = Path()
    for part, is_right in zip(path.parts, [Path.is_dir] * (len(path.parts) - 1) + [wanted], strict=True):
        if not is_right(place / found / part):
            stem = part.partition(".")[0]  # all that end in .prototxt are near each other otherwise
            names = _names(place / found, is_right)
            part = nearest(part, (name for name in names if nearest(stem, [name.partition(".")[0]]))) or ""
        if not part:
            return
        found /= part
    yield found


def _names(folder: Path, is_right: Callable[[Path], bool]) -> Iterator[str]:
    with suppress(OSError):
        for entry in islice(folder.iterdir(), LOOKED_AT):
            if is_right(entry):
                yield entry.name
