"""rand_augment_param: a few changes, drawn from fourteen (Cubuk et al., "RandAugment", 2019)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from cafpy.errors import DataError
from cafpy.feed.augment.draw import chance

HIGHEST = 30  # magnitude
MOST = 10  # changes of one image
SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13
Change = Callable[[np.ndarray, float, list[float]], np.ndarray]  # image, strength -1 to 1, fill


def check_rand_augment(param: Any) -> None:
    """Raise DataError when a number is out of its range."""
    if not 1 <= param.n <= MOST:
        raise DataError(f"rand_augment_param: n is {param.n}; wanted 1 to {MOST} changes an image")
    if not 0 <= param.magnitude <= HIGHEST:
        raise DataError(f"rand_augment_param: magnitude is {param.magnitude:g}; wanted 0 to {HIGHEST}")


def rand_augment(image: np.ndarray, param: Any, mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A changed copy of an image of H×W×C bytes; what comes in from outside of it has the colour ``mean``.

    The changes and their ranges are those of the paper: at magnitude 30 turns of 30 degrees, shears of 0.3, moves of
    0.45 of the side, factors of 0.1 or 1.9, four bits a channel, all above 0 inverted.
    """
    if not chance(rng, param.prob):
        return image
    fill = mean.tolist()
    for which in rng.integers(len(CHANGES), size=param.n).tolist():
        strength = param.magnitude / HIGHEST * (1 if chance(rng, 0.5) else -1)
        image = CHANGES[which](image, strength, fill).reshape(image.shape)
    return image


def _warp(matrix: Any, image: np.ndarray, fill: list[float]) -> np.ndarray:
    size = image.shape[1], image.shape[0]
    return np.asarray(cv2.warpAffine(image, np.array(matrix), size, borderMode=cv2.BORDER_CONSTANT, borderValue=fill))


def _rotate(image: np.ndarray, strength: float, fill: list[float]) -> np.ndarray:
    height, width = image.shape[:2]
    return _warp(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 30 * strength, 1.0), image, fill)


def _shear_x(image: np.ndarray, strength: float, fill: list[float]) -> np.ndarray:
    slope = 0.3 * strength
    return _warp([[1, slope, -slope * (len(image) - 1) / 2], [0, 1, 0]], image, fill)


def _shear_y(image: np.ndarray, strength: float, fill: list[float]) -> np.ndarray:
    slope = 0.3 * strength
    return _warp([[1, 0, 0], [slope, 1, -slope * (image.shape[1] - 1) / 2]], image, fill)


def _translate_x(image: np.ndarray, strength: float, fill: list[float]) -> np.ndarray:
    return _warp([[1, 0, 150 / 331 * strength * image.shape[1]], [0, 1, 0]], image, fill)


def _translate_y(image: np.ndarray, strength: float, fill: list[float]) -> np.ndarray:
    return _warp([[1, 0, 0], [0, 1, 150 / 331 * strength * image.shape[0]]], image, fill)


def _table(image: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.LUT(image, np.clip(np.round(values), 0, 255).astype(np.uint8)))


def _brightness(image: np.ndarray, strength: float, fill: list[float]) -> np.ndarray:
    return _table(image, np.arange(256) * (1 + 0.9 * strength))


def _contrast(image: np.ndarray, strength: float, fill: list[float]) -> np.ndarray:
    middle = round(float(_gray(image).mean()))
    return _table(image, middle + (np.arange(256) - middle) * (1 + 0.9 * strength))


def _colour(image: np.ndarray, strength: float, fill: list[float]) -> np.ndarray:
    if image.shape[2] != 3:
        return image
    gray = cv2.cvtColor(_gray(image), cv2.COLOR_GRAY2BGR)
    factor = 1 + 0.9 * strength
    return np.asarray(cv2.addWeighted(image, factor, gray, 1 - factor, 0))


def _sharpness(image: np.ndarray, strength: float, fill: list[float]) -> np.ndarray:
    smooth = image.copy()
    if min(image.shape[:2]) > 2:  # the rim stays
        smooth[1:-1, 1:-1] = cv2.filter2D(image, -1, SMOOTH).reshape(image.shape)[1:-1, 1:-1]
    factor = 1 + 0.9 * strength
    return np.asarray(cv2.addWeighted(image, factor, smooth, 1 - factor, 0))


def _posterize(image: np.ndarray, strength: float, fill: list[float]) -> np.ndarray:
    return np.asarray(image & np.uint8(256 - (1 << round(4 * abs(strength)))))


def _solarize(image: np.ndarray, strength: float, fill: list[float]) -> np.ndarray:
    values = np.arange(256)
    return _table(image, np.where(values >= 255 * (1 - abs(strength)), 255 - values, values))


def _auto_contrast(image: np.ndarray, strength: float, fill: list[float]) -> np.ndarray:
    def stretch(plane: np.ndarray) -> np.ndarray:
        low, high = int(plane.min()), int(plane.max())
        return plane if low == high else _table(plane, (np.arange(256) - low) * (255 / (high - low)))

    return _each_channel(image, stretch)


def _equalize(image: np.ndarray, strength: float, fill: list[float]) -> np.ndarray:
    return _each_channel(image, cv2.equalizeHist)


def _identity(image: np.ndarray, strength: float, fill: list[float]) -> np.ndarray:
    return image


def _each_channel(image: np.ndarray, change: Callable[[np.ndarray], Any]) -> np.ndarray:
    return np.stack([change(np.ascontiguousarray(image[:, :, i])) for i in range(image.shape[2])], axis=2)


def _gray(image: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)) if image.shape[2] == 3 else image[:, :, 0]


CHANGES: tuple[Change, ...] = (
    _identity, _auto_contrast, _equalize, _rotate, _solarize, _colour, _posterize, _contrast, _brightness, _sharpness,
    _shear_x, _shear_y, _translate_x, _translate_y,
)  # fmt: skip
