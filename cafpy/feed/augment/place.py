"""What moves the image: expand_param, rotate_param, random_crop_param."""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Any

import cv2
import numpy as np

from cafpy.errors import DataError
from cafpy.feed.augment.colour import colour
from cafpy.feed.augment.draw import chance
from cafpy.feed.augment.resize import BORDERS

ATTEMPTS = 10  # to draw a cut that fits into the image


def check_expand(param: Any) -> None:
    """Raise DataError when the ratio is less than 1."""
    if param.max_expand_ratio < 1:
        raise DataError(f"expand_param: max_expand_ratio is {param.max_expand_ratio:g}; wanted 1 or more")


def check_crop(param: Any) -> None:
    """Raise DataError when bounds are the wrong way round."""
    if not 0 < param.min_area <= param.max_area <= 1:
        raise DataError(
            f"random_crop_param: min_area is {param.min_area:g} and max_area {param.max_area:g}; "
            "wanted 0 < min_area <= max_area <= 1"
        )
    if not 0 < param.min_aspect <= param.max_aspect:
        raise DataError(
            f"random_crop_param: min_aspect is {param.min_aspect:g} and max_aspect {param.max_aspect:g}; "
            "wanted 0 < min_aspect <= max_aspect"
        )


def expand(image: np.ndarray, param: Any, mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An image of H×W×C bytes somewhere on a canvas of the colour ``mean``, up to max_expand_ratio as high and wide."""
    ratio, down, right = rng.uniform(1, param.max_expand_ratio), rng.random(), rng.random()
    if not chance(rng, param.prob):
        return image
    height, width, channels = image.shape
    canvas = np.empty((int(height * ratio), int(width * ratio), channels), np.uint8)
    canvas[...] = mean
    top, left = (int(draw * (full - own + 1)) for draw, full, own in
                 ((down, len(canvas), height), (right, canvas.shape[1], width)))  # fmt: skip
    canvas[top : top + height, left : left + width] = image
    return canvas


def rotate(image: np.ndarray, param: Any, mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An image of H×W×C bytes turned about its middle by up to max_angle degrees."""
    angle = rng.uniform(-param.max_angle, param.max_angle)
    if not chance(rng, param.prob):
        return image
    height, width, channels = image.shape
    fill = colour(param.pad_value, channels, "rotate_param: pad_value") if len(param.pad_value) else mean
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
    turned = cv2.warpAffine(
        image, matrix, (width, height), borderMode=BORDERS[param.pad_mode], borderValue=fill.tolist()
    )
    return turned.reshape(image.shape)


def random_cut(image: np.ndarray, param: Any, rng: np.random.Generator) -> np.ndarray:
    """A part of an image of H×W×C: its share of the area even in [min_area, max_area], its proportions even on a
    logarithmic scale, its place even. Where ten draws do not fit, the largest middle part with allowed proportions.

    The method is that of Szegedy et al., "Going deeper with convolutions" (2015), section 6.
    """
    height, width = image.shape[:2]
    if not chance(rng, param.prob):
        return image
    for _ in range(ATTEMPTS):
        area = height * width * rng.uniform(param.min_area, param.max_area)
        aspect = exp(rng.uniform(log(param.min_aspect), log(param.max_aspect)))
        cut_width, cut_height = round(sqrt(area * aspect)), round(sqrt(area / aspect))
        if 0 < cut_width <= width and 0 < cut_height <= height:
            top, left = rng.integers(height - cut_height + 1), rng.integers(width - cut_width + 1)
            return image[top : top + cut_height, left : left + cut_width]
    cut_height = min(height, max(1, round(width / param.min_aspect)))
    cut_width = min(width, max(1, round(height * param.max_aspect)))
    top, left = (height - cut_height) // 2, (width - cut_width) // 2
    return image[top : top + cut_height, left : left + cut_width]
