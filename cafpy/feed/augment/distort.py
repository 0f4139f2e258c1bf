"""distort_param: changes of brightness, contrast, hue and saturation, in the SSD branch's order."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from cafpy.errors import DataError
from cafpy.feed.augment.draw import chance

HALF_TURN = 180  # OpenCV's hues of bytes are 0 to 179


def check_distort(param: Any) -> None:
    """Raise DataError when bounds are missing or the wrong way round."""
    for name in ("contrast", "saturation"):
        lower, upper = getattr(param, f"{name}_lower"), getattr(param, f"{name}_upper")
        if getattr(param, f"{name}_prob") and not 0 <= lower <= upper > 0:
            raise DataError(
                f"distort_param: {name}_lower is {lower:g} and {name}_upper {upper:g}; wanted 0 <= lower <= upper, as "
                f"`{name}_lower: 0.5 {name}_upper: 1.5`"
            )
    for name in ("brightness", "hue"):
        if getattr(param, f"{name}_delta") < 0:
            raise DataError(f"distort_param: {name}_delta is {getattr(param, f'{name}_delta'):g}; wanted 0 or more")


def distort(image: np.ndarray, param: Any, rng: np.random.Generator) -> np.ndarray:
    """A changed copy of an image of H×W×C bytes, BGR or gray; hue and saturation need colour, and leave gray as it is.

    Contrast comes before hue and saturation or after them, each in half of the images.
    """
    first = chance(rng, 0.5)
    image = _brightness(image, param, rng)
    if first:
        image = _contrast(image, param, rng)
    image = _hue_saturation(image, param, rng)
    if not first:
        image = _contrast(image, param, rng)
    if chance(rng, param.random_order_prob):
        image = np.ascontiguousarray(image[:, :, rng.permutation(image.shape[2])])
    return image


def _brightness(image: np.ndarray, param: Any, rng: np.random.Generator) -> np.ndarray:
    delta = rng.uniform(-param.brightness_delta, param.brightness_delta)
    return _linear(image, 1.0, delta) if chance(rng, param.brightness_prob) else image


def _contrast(image: np.ndarray, param: Any, rng: np.random.Generator) -> np.ndarray:
    factor = rng.uniform(param.contrast_lower, max(param.contrast_lower, param.contrast_upper))
    return _linear(image, factor, 0.0) if chance(rng, param.contrast_prob) else image


def _hue_saturation(image: np.ndarray, param: Any, rng: np.random.Generator) -> np.ndarray:
    """Both in one trip to hue, saturation and value. A hue past the last goes on with the first."""
    factor = rng.uniform(param.saturation_lower, max(param.saturation_lower, param.saturation_upper))
    turn = rng.uniform(-param.hue_delta, param.hue_delta)
    saturate, tint = chance(rng, param.saturation_prob), chance(rng, param.hue_prob)
    if image.shape[2] != 3 or not (saturate or tint):
        return image
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    table = np.arange(256)
    if saturate:
        hsv[:, :, 1] = cv2.LUT(hsv[:, :, 1], np.clip(table * factor + 0.5, 0, 255).astype(np.uint8))
    if tint:
        hsv[:, :, 0] = cv2.LUT(hsv[:, :, 0], ((table + round(turn)) % HALF_TURN).astype(np.uint8))
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


def _linear(image: np.ndarray, factor: float, summand: float) -> np.ndarray:
    table = np.clip(np.arange(256) * factor + summand + 0.5, 0, 255).astype(np.uint8)
    return cv2.LUT(image, table).reshape(image.shape)
