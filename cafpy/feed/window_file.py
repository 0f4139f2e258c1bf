"""Window files: images and the labelled boxes in them, as R-CNN writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cafpy.errors import DataError
from cafpy.missing_file import does_not_exist

HEADER = ("path", "number of channels", "height", "width", "number of windows")
FORM = "# index, then on a line each path, channels, height, width, number of windows, then the windows"
WINDOW = "class overlap x1 y1 x2 y2"


@dataclass(frozen=True)
class WindowFile:
    """What a window file holds.

    Attributes:
        path: of the file, for messages.
        images: paths as they stand there.
        image: index into ``images`` of each window; N.
        label: class of each window; N.
        overlap: of each window with an object of its class; N, float32.
        box: first and last column and row, x1 y1 x2 y2, counted from 0, the last one included; N×4.
        line: where each window stands in the file; N.
    """

    path: str
    images: list[str]
    image: np.ndarray
    label: np.ndarray
    overlap: np.ndarray
    box: np.ndarray
    line: np.ndarray


def read_window_file(path: str | Path) -> WindowFile:
    """Read a window file: for each image the lines

        # index
        path (may hold spaces)
        channels
        height
        width
        number of windows
        class overlap x1 y1 x2 y2   (as many as that)

    Size and channels are not used. Raises DataError, naming file and line, when something else stands there.
    """
    if not Path(path).is_file():
        raise DataError(f"the window file '{path}' {does_not_exist(path)}")
    text = Path(path).read_text("utf-8-sig", errors="surrogateescape")
    reader = _Lines(str(path), [(n, line.strip()) for n, line in enumerate(text.splitlines(), 1) if line.strip()])
    images: list[str] = []
    counts: list[int] = []
    blocks: list[np.ndarray] = []
    while reader.more:
        name, values = reader.image()
        images.append(name)
        counts.append(len(values))
        blocks.append(values)
    table = np.concatenate(blocks) if blocks else np.empty((0, 7))
    if not len(table):
        raise DataError(f"the window file '{path}' holds no window; its form is: {FORM}")
    whole = table[:, [1, 3, 4, 5, 6]].astype(np.int64)
    image = np.repeat(np.arange(len(images)), counts)
    line = table[:, 0].astype(np.int64)
    return WindowFile(str(path), images, image, whole[:, 0], table[:, 2].astype(np.float32), whole[:, 1:], line)


class _Lines:
    """The lines that are not empty, with their numbers, taken from the first to the last."""

    def __init__(self, path: str, lines: list[tuple[int, str]]):
        self.path = path
        self.lines = lines
        self.at = 0

    @property
    def more(self) -> bool:
        return self.at < len(self.lines)

    def image(self) -> tuple[str, np.ndarray]:
        """Path and windows of the next image, N×7: line, class, overlap, box."""
        number, line = self.take("# index")
        if not re.fullmatch(r"#\s*[0-9]+", line):
            raise self.error(number, f"'{line}' where an image begins with '# index'; the form is: {FORM}")
        name = self.take(HEADER[0])[1]
        count = [self.whole(what) for what in HEADER[1:]][-1]
        windows = self.lines[self.at : self.at + count]
        if len(windows) < count:
            raise self.error(number, f"'{name}' has {count} windows, but the file ends after {len(windows)}")
        self.at += count
        return name, self.windows(windows)

    def windows(self, lines: list[tuple[int, str]]) -> np.ndarray:
        try:
            table = np.array([[number, *line.split()] for number, line in lines], np.float64).reshape(-1, 7)
        except ValueError:
            table = np.array([self.window(*line) for line in lines])  # one by one, to tell which
        box = table[:, 3:]
        wrong = (table[:, [1, 3, 4, 5, 6]] % 1 != 0).any(1) | ~np.isfinite(table).all(1)
        wrong |= (box[:, 0] > box[:, 2]) | (box[:, 1] > box[:, 3])
        if wrong.any():
            number, line = lines[int(wrong.argmax())]
            raise self.error(
                number, f"window '{line}': class and box must be whole numbers, with x1 <= x2 and y1 <= y2 ({WINDOW})"
            )
        return table

    def window(self, number: int, line: str) -> np.ndarray:
        try:
            return np.array([number, *line.split()], np.float64).reshape(7)
        except ValueError:
            raise self.error(number, f"'{line}' where a window is wanted, six numbers: {WINDOW}") from None

    def whole(self, what: str) -> int:
        number, line = self.take(what)
        if not line.isdecimal():
            raise self.error(number, f"'{line}' where the {what} is wanted; the form is: {FORM}")
        return int(line)

    def take(self, what: str) -> tuple[int, str]:
        if not self.more:
            raise self.error(self.lines[-1][0], f"the file ends where the {what} is wanted; the form is: {FORM}")
        self.at += 1
        return self.lines[self.at - 1]

    def error(self, number: int, message: str) -> DataError:
        return DataError(f"{self.path}:{number}: {message}")
