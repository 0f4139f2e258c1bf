"""Windows of images at random, so many of the foreground and so many of the background in each batch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cafpy.errors import DataError
from cafpy.feed.image import decode_image
from cafpy.feed.source import Block
from cafpy.feed.transformer import Transformer
from cafpy.feed.window_cut import Cut, cut_window
from cafpy.feed.window_file import WindowFile


@dataclass(frozen=True)
class Drawn:
    """A window that was drawn: its row in the file, its class (0: background), and its image file's content."""

    row: int
    label: int
    mirror: bool
    content: bytes


class WindowSource:
    """Windows of a window file, cut, mirrored, minus the mean and scaled: finished images of 3×size×size, float32.

    Of each ``batch_size`` positions of a reader the first are background windows (overlap below ``bg_threshold``,
    label 0), the last ``fg_fraction`` of them foreground (overlap at least ``fg_threshold``, label the class). What is
    drawn depends on the seed and the position alone.

    Args:
        transformer: its mean, scale and mirror are used; a mean image is cut from its middle.
        cache_images: keep the content of the image files in memory.
        world: readers that share the positions, each taking every ``world``-th.

    Raises DataError when there is no window of a kind that is wanted, or a foreground window is of class 0.
    """

    costly = True
    one_size = ""  # all have one size
    seed = 0

    def __init__(
        self,
        file: WindowFile,
        cut: Cut,
        transformer: Transformer,
        batch_size: int,
        *,
        root_folder: str = "",
        fg_threshold: float = 0.5,
        bg_threshold: float = 0.5,
        fg_fraction: float = 0.25,
        cache_images: bool = False,
        world: int = 1,
    ):
        self.file = file
        self.cut = cut
        self.transformer = transformer
        self.batch_size = batch_size
        self.world = world
        self.root_folder = root_folder
        self.background_count = batch_size - int(np.float32(batch_size) * np.float32(fg_fraction))
        is_foreground = file.overlap >= np.float32(fg_threshold)
        self.foreground = np.flatnonzero(is_foreground)
        self.background = np.flatnonzero(~is_foreground & (file.overlap < np.float32(bg_threshold)))
        self._cache: dict[int, bytes] | None = {} if cache_images else None
        self._check(fg_threshold, bg_threshold)

    def __len__(self) -> int:
        """Windows that can be drawn, of both kinds."""
        return len(self.foreground) * (self.background_count < self.batch_size) + len(self.background) * (
            self.background_count > 0
        )

    def fetch(self, position: int) -> Drawn:
        is_background = position // self.world % self.batch_size < self.background_count
        rows = self.background if is_background else self.foreground
        words = np.random.Philox(key=self.seed, counter=position).random_raw(2).tolist()
        row = int(rows[(words[0] >> 32) * len(rows) >> 32])
        label = 0 if is_background else int(self.file.label[row])
        mirror = self.transformer.mirror and bool(words[1] >> 63)
        return Drawn(row, label, mirror, self._content(int(self.file.image[row])))

    def decode(self, fetched: Drawn, color: bool | None) -> tuple[np.ndarray, float]:
        try:
            image = decode_image(fetched.content, color=True)
        except DataError as error:
            raise DataError(f"{self._image(int(self.file.image[fetched.row]))} {error}") from error
        window, top, left = cut_window(image, self.file.box[fetched.row].tolist(), self.cut, fetched.mirror)
        if not window.size:
            height, width = image.shape[1:]
            raise DataError(
                f"{self.name(fetched)} lies outside of the image, {height}×{width} (height × width); boxes count from "
                "0, and the last column and row belong to them"
            )
        out = np.zeros((3, self.cut.size, self.cut.size), np.float32)
        inside = np.s_[:, top : top + window.shape[1], left : left + window.shape[2]]
        out[inside] = (window.astype(np.float32) - self._mean()[inside]) * self.transformer.scale
        return out, float(fetched.label)

    def block(self, positions: np.ndarray, color: bool | None) -> Block | None:
        return None

    def name(self, fetched: Drawn) -> str:
        box = " ".join(map(str, self.file.box[fetched.row]))
        line = f"{self.file.path}:{self.file.line[fetched.row]}"
        return f"{line}: window '{box}' of {self._image(int(self.file.image[fetched.row]))}"

    def close(self) -> None:
        pass

    def _check(self, fg_threshold: float, bg_threshold: float) -> None:
        file, foreground = self.file, self.batch_size - self.background_count
        unnamed = self.foreground[file.label[self.foreground] < 1]
        if len(unnamed):
            raise DataError(
                f"{file.path}:{file.line[unnamed[0]]}: a window of class {file.label[unnamed[0]]} has overlap "
                f"{file.overlap[unnamed[0]]:g}, which makes it foreground (fg_threshold {fg_threshold:g}); class 0 is "
                "the background, number the others 1, 2, …"
            )
        for rows, count, what, wanted in (
            (self.foreground, foreground, "foreground", f"at least {fg_threshold:g} (fg_threshold)"),
            (self.background, self.background_count, "background", f"less than {bg_threshold:g} (bg_threshold)"),
        ):
            if count and not len(rows):
                raise DataError(
                    f"'{file.path}' has no {what} window, with an overlap of {wanted}, but {count} of a batch of "
                    f"{self.batch_size} shall be {what}; change the threshold or fg_fraction"
                )

    def _content(self, image: int) -> bytes:
        if self._cache is not None and image in self._cache:
            return self._cache[image]
        path = self.root_folder + self.file.images[image]
        try:
            content = Path(path).read_bytes()
        except FileNotFoundError:
            raise DataError(f"{self._image(image)} does not exist (looked in {Path.cwd()})") from None
        except OSError as error:
            raise DataError(f"{self._image(image)} cannot be read: {error.strerror}") from error
        if self._cache is not None:
            self._cache[image] = content
        return content

    def _image(self, image: int) -> str:
        return f"image '{self.root_folder}{self.file.images[image]}'"

    def _mean(self) -> np.ndarray:
        """The mean for the whole square; of an image its middle, by its width, as Caffe has it."""
        mean, size = self.transformer.mean, self.cut.size
        if not self.transformer.mean_file:
            return np.broadcast_to(mean, (3, size, size))
        start = (mean.shape[2] - size) // 2
        return mean[:, start : start + size, start : start + size]
