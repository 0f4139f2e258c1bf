"""erase_param: a rectangle of the finished image is filled (Zhong et al., "Random Erasing Data Augmentation", 2017)."""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Any

import numpy as np

from cafpy.errors import DataError
from cafpy.feed.augment.draw import chance


def check_erase(param: Any) -> None:
    """Raise DataError when bounds are the wrong way round."""
    if not 0 < param.min_area <= param.max_area <= 1:
        raise DataError(
            f"erase_param: min_area is {param.min_area:g} and max_area {param.max_area:g}; "
            "wanted 0 < min_area <= max_area <= 1"
        )
    if param.max_aspect < 1:
        raise DataError(f"erase_param: max_aspect is {param.max_aspect:g}; wanted 1 or more")


def erase(image: np.ndarray, param: Any, fill: np.ndarray, rng: np.random.Generator) -> None:
    """Write ``fill`` (C×1×1) into a rectangle of an image of C×H×W. One that does not fit is cut to the image."""
    height, width = image.shape[1:]
    area = height * width * rng.uniform(param.min_area, param.max_area)
    bound = log(param.max_aspect)
    aspect = exp(rng.uniform(-bound, bound))
    across, down = rng.random(), rng.random()
    if not chance(rng, param.prob):
        return
    wide, high = min(width, max(1, round(sqrt(area * aspect)))), min(height, max(1, round(sqrt(area / aspect))))
    top, left = int(down * (height - high + 1)), int(across * (width - wide + 1))
    image[:, top : top + high, left : left + wide] = fill
