"""Many small images on one, each with a line of text under it."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

import cv2
import numpy as np

GAP = 4  # pixels between tiles
TEXT = 14  # pixels of height for the text
BACKGROUND, INK = 255, 0


def contact_sheet(
    images: Sequence[np.ndarray], texts: Sequence[str], size: int = 112, columns: int | None = None
) -> np.ndarray:
    """A picture, uint8 of 3×H×W, of images of C×H×W, each with its text.

    Images are uint8, or numbers of which 0 to 255 are shown.

    Every image is made to fit ``size`` × ``size``; its proportions stay. Small ones grow by whole numbers, without
    smoothing. Of images with other than 1 or 3 channels, the first is shown. Letters that OpenCV does not have become
    question marks.
    """
    columns = columns or max(1, ceil(sqrt(len(images))))
    rows = ceil(len(images) / columns)
    sheet = np.full((rows * (size + TEXT + GAP) + GAP, columns * (size + GAP) + GAP, 3), BACKGROUND, np.uint8)
    for i, (image, text) in enumerate(zip(images, texts, strict=True)):
        top, left = GAP + i // columns * (size + TEXT + GAP), GAP + i % columns * (size + GAP)
        tile = _fit(_colour(image), size)
        down, right = (size - tile.shape[0]) // 2, (size - tile.shape[1]) // 2
        sheet[top + down : top + down + tile.shape[0], left + right : left + right + tile.shape[1]] = tile
        strip = sheet[top + size : top + size + TEXT, left : left + size]
        plain = text.encode("ascii", "replace").decode()
        cv2.putText(strip, plain, (0, TEXT - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (INK, INK, INK), 1, cv2.LINE_AA)
    return np.ascontiguousarray(sheet.transpose(2, 0, 1))


def _colour(image: np.ndarray) -> np.ndarray:
    """H×W×3 bytes."""
    if image.dtype != np.uint8:
        image = np.clip(np.nan_to_num(image) + 0.5, 0, 255).astype(np.uint8)
    if len(image) != 3:
        image = np.repeat(image[:1], 3, axis=0)
    return np.ascontiguousarray(image.transpose(1, 2, 0))


def _fit(pixels: np.ndarray, size: int) -> np.ndarray:
    longest = max(pixels.shape[:2])
    if longest <= size:
        return pixels.repeat(size // longest, 0).repeat(size // longest, 1)
    height, width = (max(1, round(length * size / longest)) for length in pixels.shape[:2])
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
