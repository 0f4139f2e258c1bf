"""resize_param: images to one size, in one of three ways."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from cafpy.errors import DataError
from cafpy.feed.augment.colour import colour
from cafpy.proto import cafpy_pb2 as pb

Param = pb.ResizeParameter
BORDERS = {
    Param.CONSTANT: cv2.BORDER_CONSTANT,
    Param.MIRRORED: cv2.BORDER_REFLECT,
    Param.REPEAT_NEAREST: cv2.BORDER_REPLICATE,
}
INTERPOLATIONS = {
    Param.LINEAR: cv2.INTER_LINEAR,
    Param.AREA: cv2.INTER_AREA,
    Param.NEAREST: cv2.INTER_NEAREST,
    Param.CUBIC: cv2.INTER_CUBIC,
    Param.LANCZOS4: cv2.INTER_LANCZOS4,
}


def check_resize(param: Any) -> None:
    """Raise DataError when the size is missing."""
    if not param.height or not param.width:
        raise DataError(
            f"resize_param: height is {param.height} and width {param.width}; give both, as `height: 256 width: 256`"
        )


def resized_size(height: int, width: int, param: Any) -> tuple[int, int]:
    """Height and width that an image of this height and width gets."""
    if param.resize_mode != Param.FIT_SMALL_SIZE:
        return param.height, param.width
    factor = max(param.height / height, param.width / width)
    return max(param.height, round(height * factor)), max(param.width, round(width * factor))


def resize(image: np.ndarray, param: Any, rng: np.random.Generator | None) -> np.ndarray:
    """An image of H×W×C bytes in its new size; without ``rng`` in the first of the interpolations."""
    modes = list(param.interp_mode) or [Param.LINEAR]
    interpolation = INTERPOLATIONS[modes[rng.integers(len(modes)) if rng is not None and len(modes) > 1 else 0]]
    height, width, channels = image.shape
    target_height, target_width = resized_size(height, width, param)
    if param.resize_mode != Param.FIT_LARGE_SIZE_AND_PAD:
        return scale_to(image, target_height, target_width, interpolation)
    factor = min(target_height / height, target_width / width)
    height, width = (max(1, min(round(length * factor), most)) for length, most in
                     ((height, target_height), (width, target_width)))  # fmt: skip
    inner = scale_to(image, height, width, interpolation)
    top, left = (target_height - height) // 2, (target_width - width) // 2
    fill = colour(param.pad_value or [0], channels, "resize_param: pad_value").tolist()
    bottom, right = target_height - height - top, target_width - width - left
    return cv2.copyMakeBorder(inner, top, bottom, left, right, BORDERS[param.pad_mode], value=fill).reshape(
        target_height, target_width, channels
    )


def scale_to(image: np.ndarray, height: int, width: int, interpolation: int = cv2.INTER_LINEAR) -> np.ndarray:
    """An image of H×W×C bytes with another height and width."""
    if image.shape[:2] == (height, width):
        return image
    return cv2.resize(image, (width, height), interpolation=interpolation).reshape(height, width, image.shape[2])
