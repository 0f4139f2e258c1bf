"""noise_param: what the SSD branch calls noise; all that are switched on, in its order."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from cafpy.errors import DataError
from cafpy.feed.augment.colour import colour
from cafpy.feed.augment.draw import chance

CLIP_LIMIT = 4.0  # of clahe
STEP = 64  # of posterize
COLOUR = ("convert_to_hsv", "convert_to_lab")


def check_noise(param: Any) -> None:
    """Raise DataError when a number is out of its range."""
    if not -1 <= param.jpeg <= 100:
        raise DataError(f"noise_param: jpeg is {param.jpeg:g}; wanted a quality of 0 to 100, or -1 for none")
    if not 0 <= param.saltpepper_param.fraction <= 1:
        raise DataError(
            f"noise_param: saltpepper_param's fraction is {param.saltpepper_param.fraction:g}; wanted 0 to 1"
        )


def noise(image: np.ndarray, param: Any, rng: np.random.Generator) -> np.ndarray:
    """A changed copy of an image of H×W×C bytes, C being 1 or 3 (BGR)."""
    if not chance(rng, param.prob):
        return image
    shape = image.shape
    for name in COLOUR:
        if getattr(param, name) and shape[2] != 3:
            raise DataError(f"noise_param: {name} needs images of 3 channels, not of {shape[2]}")
    if param.decolorize and shape[2] == 3:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if param.gauss_blur:
        image = cv2.GaussianBlur(image, (7, 7), 1.5)
    if param.hist_eq:
        image = _on_lightness(image, cv2.equalizeHist)
    if param.clahe:
        image = _on_lightness(image, cv2.createCLAHE(CLIP_LIMIT).apply)
    if param.jpeg >= 0:
        content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, round(param.jpeg)])[1]
        image = np.asarray(cv2.imdecode(content, cv2.IMREAD_UNCHANGED))
    if param.erode:
        image = cv2.erode(image, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
    if param.posterize:
        image = image // STEP * STEP + STEP // 2
    if param.inverse:
        image = 255 - image
    image = image.reshape(shape)
    if param.saltpepper:
        image = _salt_and_pepper(image, param.saltpepper_param, rng)
    if param.convert_to_hsv:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    if param.convert_to_lab:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2LAB)
    return image


def _on_lightness(image: np.ndarray, change: Any) -> np.ndarray:
    """``change`` done to a gray image, or to the lightness of a coloured one."""
    if image.ndim == 2 or image.shape[2] != 3:
        return np.asarray(change(image.reshape(image.shape[:2])))
    lab = cv2.cvtColor(image, cv2.COLOR_BGR2LAB)
    lab[:, :, 0] = change(np.ascontiguousarray(lab[:, :, 0]))
    return cv2.cvtColor(lab, cv2.COLOR_LAB2BGR)


def _salt_and_pepper(image: np.ndarray, param: Any, rng: np.random.Generator) -> np.ndarray:
    height, width, channels = image.shape
    count = round(param.fraction * height * width)
    rows, columns = rng.integers(height, size=count), rng.integers(width, size=count)
    image = image.copy()
    if len(param.value):
        image[rows, columns] = colour(param.value, channels, "noise_param: saltpepper_param's value")
    else:
        image[rows, columns] = 255 * rng.integers(2, size=(count, 1), dtype=np.uint8)
    return image
