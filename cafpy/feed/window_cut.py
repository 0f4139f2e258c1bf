"""Cuts a window out of an image, with what is around it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from cafpy.feed.image import channels_first, channels_last


@dataclass(frozen=True)
class Cut:
    """How windows are cut out.

    Attributes:
        size: of the square that a window becomes.
        context_pad: pixels of the square, on each side, that show what is around the window.
        square: keep the shape of things: cut the smallest square around the window, not the window itself.
    """

    size: int
    context_pad: int = 0
    square: bool = False


def cut_window(image: np.ndarray, box: list[int], cut: Cut, mirror: bool = False) -> tuple[np.ndarray, int, int]:
    """The part of the image (C×H×W, uint8) in and around a box, resized, and where it lies in the square: its top row
    and left column; what is outside of the image is left out of it. Empty where nothing of the box is in the image."""
    x1, y1, x2, y2 = box
    rows, columns = (y1, y2), (x1, x2)
    height, width = image.shape[1:]
    if not cut.context_pad and not cut.square:
        if min(box) < 0 or x2 >= width or y2 >= height:
            return np.empty((len(image), 0, 0), np.uint8), 0, 0
        vertical, horizontal = _Span(*rows, 0, cut.size), _Span(*columns, 0, cut.size)
    else:
        longest = max(y2 - y1, x2 - x1) + 1 if cut.square else 0
        vertical = _Span.around(*rows, longest, height, cut)
        horizontal = _Span.around(*columns, longest, width, cut, mirror)
    if vertical.empty or horizontal.empty:
        return np.empty((len(image), 0, 0), np.uint8), 0, 0
    part = image[:, vertical.first : vertical.last + 1, horizontal.first : horizontal.last + 1]
    window = channels_first(cv2.resize(channels_last(part), (horizontal.size, vertical.size)))
    return window[:, :, ::-1] if mirror else window, vertical.before, horizontal.before


@dataclass(frozen=True)
class _Span:
    """A range of rows or columns of the image, and what becomes of it in the square."""

    first: int
    last: int
    before: int  # rows or columns of the square before it
    size: int  # those that it takes

    @property
    def empty(self) -> bool:
        return self.first > self.last or self.size < 1

    @classmethod
    def around(cls, first: int, last: int, longest: int, limit: int, cut: Cut, mirror: bool = False) -> _Span:
        """The range with its context, cut off at the image's border. R-CNN (Girshick et al., 2014), appendix A; with
        scales of float32 and halves rounded away from zero, as Caffe does it."""
        half = (last - first + 1) / 2
        center = first + half
        context = np.float32(cut.size) / np.float32(cut.size - 2 * cut.context_pad)
        reach = (longest / 2 or half) * float(context)  # not rounded to float32: Caffe's is fused with the sum
        start, end = _round(center - reach), _round(center + reach)
        scale = np.float32(cut.size) / np.float32(end - start + 1)
        missing, beyond = max(0, -start), max(0, end - limit + 1)
        start, end = start + missing, end - beyond
        before = _round(np.float32(beyond if mirror else missing) * scale)
        size = _round(np.float32(end - start + 1) * scale)
        return cls(start, end, before, min(size, cut.size - before))


def _round(value: Any) -> int:
    return int(math.copysign(math.floor(abs(value) + 0.5), value))
