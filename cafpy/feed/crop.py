"""The size that transform_param cuts images to."""

from __future__ import annotations

from typing import Any

from cafpy.errors import DataError


def crop_height_width(param: Any) -> tuple[int, int]:
    """Height and width of the cut, from crop_size or from crop_h and crop_w; 0, 0 without any.

    Raises DataError when one of the two is missing, or both ways are used.
    """
    size, height, width = param.crop_size, param.crop_h, param.crop_w
    if bool(height) != bool(width):
        given, missing = ("crop_h", "crop_w") if height else ("crop_w", "crop_h")
        raise DataError(f"{given}: {height or width} is given without {missing}; give both, or crop_size for a square")
    if size and height:
        raise DataError(f"crop_size: {size} and crop_h: {height} crop_w: {width} are both given; keep one")
    return (height, width) if height else (size, size)
