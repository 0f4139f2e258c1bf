"""All of transform_param's further changes to an image, in their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from cafpy.errors import DataError
from cafpy.feed.augment.colour import colour
from cafpy.feed.augment.distort import check_distort, distort
from cafpy.feed.augment.draw import chance
from cafpy.feed.augment.erase import check_erase, erase
from cafpy.feed.augment.noise import check_noise, noise
from cafpy.feed.augment.place import check_crop, check_expand, expand, random_cut, rotate
from cafpy.feed.augment.rand_augment import check_rand_augment, rand_augment
from cafpy.feed.augment.resize import check_resize, resize, resized_size, scale_to
from cafpy.feed.crop import crop_height_width
from cafpy.feed.image import channels_first, channels_last
from cafpy.proto import cafpy_pb2 as pb

CHECKS = {
    "distort_param": check_distort,
    "expand_param": check_expand,
    "random_crop_param": check_crop,
    "resize_param": check_resize,
    "rand_augment_param": check_rand_augment,
    "noise_param": check_noise,
    "erase_param": check_erase,
}
NAMES = ("distort_param", "expand_param", "rotate_param", "random_crop_param", "resize_param", "rand_augment_param",
         "noise_param", "erase_param")  # fmt: skip
ONLY_IN_TRAIN = frozenset(NAMES) - {"resize_param"}


class Augmentation:
    """What a TransformationParameter asks for beyond cutting and mirroring.

    Attributes:
        active: names of the messages that do something in this phase.

    Raises DataError when an option makes no sense.
    """

    def __init__(self, param: Any, phase: int, mean: np.ndarray):
        train = phase == pb.TRAIN
        self.param = param
        self.train = train
        self.active = [name for name in NAMES if param.HasField(name) and (train or name not in ONLY_IN_TRAIN)]
        for name in NAMES:
            message = getattr(param, name)
            if param.HasField(name) and not 0 <= getattr(message, "prob", 0) <= 1:
                raise DataError(f"{name}: prob is {message.prob:g}; wanted 0 to 1")
            if param.HasField(name) and name in CHECKS:
                CHECKS[name](message)
        self.crop = crop_height_width(param)
        self._mean = mean.mean(axis=(1, 2)) if mean.size else np.zeros(1, np.float32)
        if "random_crop_param" in self.active and not (any(self.crop) or "resize_param" in self.active):
            raise DataError(
                "random_crop_param gives cuts of many sizes; add `crop_size`, or `resize_param { height: … width: … }`"
            )
        loose = [name for name in ("expand_param",) if name in self.active]
        if loose and not any(self.crop) and "resize_param" not in self.active:
            raise DataError(f"{loose[0]} gives images of many sizes; add `resize_param {{ height: … width: … }}`")

    @property
    def moves_pixels(self) -> bool:
        """Whether :meth:`apply` does anything."""
        return any(name != "erase_param" for name in self.active)

    def apply(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A changed image of C×H×W bytes; the one given stays as it is. Raises DataError when it is not of bytes."""
        if image.dtype != np.uint8:
            names = ", ".join(name for name in self.active if name != "erase_param")
            raise DataError(f"holds numbers, and {names} work on images of bytes; remove them, or store bytes")
        pixels = channels_last(image)
        pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
        param = self.param
        mean = colour(self._mean.tolist(), len(image), "mean_value")
        for name in self.active:
            if name == "distort_param":
                pixels = distort(pixels, param.distort_param, rng)
            elif name == "expand_param":
                pixels = expand(pixels, param.expand_param, mean, rng)
            elif name == "rotate_param":
                pixels = rotate(pixels, param.rotate_param, mean, rng)
            elif name == "random_crop_param":
                pixels = random_cut(pixels, param.random_crop_param, rng)
                if "resize_param" not in self.active:
                    pixels = scale_to(pixels, *self.crop)
            elif name == "resize_param":
                if not self.train or chance(rng, param.resize_param.prob):
                    pixels = resize(pixels, param.resize_param, rng if self.train else None)
            elif name == "rand_augment_param":
                pixels = rand_augment(pixels, param.rand_augment_param, mean, rng)
            elif name == "noise_param":
                pixels = noise(pixels, param.noise_param, rng)
        return channels_first(pixels)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that an image of this height and width comes out in, where that is no matter of chance."""
        if "resize_param" in self.active:
            return resized_size(height, width, self.param.resize_param)
        if "random_crop_param" in self.active:
            return self.crop
        return height, width

    def erase(self, out: np.ndarray, scale: Any, rng: np.random.Generator) -> None:
        """erase_param, on a finished image of C×H×W float32."""
        param = self.param.erase_param
        fill = np.zeros((len(out), 1, 1), np.float32)
        if len(param.value):
            if len(param.value) not in (1, len(out)):
                raise DataError(f"erase_param: {len(param.value)} values for {len(out)} channels; give one for each")
            values = np.broadcast_to(np.array(param.value, np.float32), len(out))
            fill = ((values - self._mean) * scale).astype(np.float32).reshape(-1, 1, 1)
        erase(out, param, fill, rng)
