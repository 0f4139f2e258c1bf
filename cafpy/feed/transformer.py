"""transform_param: crop, mirror, subtract a mean, scale; before and after them what feed/augment does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from cafpy.errors import DataError
from cafpy.feed.augment.augmentation import Augmentation
from cafpy.feed.augment.draw import generator
from cafpy.feed.augment.mix import Mix
from cafpy.feed.crop import crop_height_width
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.binary import read_mean

MASK = (1 << 64) - 1  # of a seed; its complement keeps what is erased apart from what is drawn before
MIX_POSITION = 1 << 63  # added to a batch's first position, which keeps its mixing apart from its images' draws


class Transformer:
    """What a TransformationParameter asks for, done to images of C×H×W:

        out = (image - mean) * scale, cut to crop_size × crop_size (or crop_h × crop_w), mirrored left to right or not

    The cut is at random in phase TRAIN and in the middle in TEST; the mean image is cut where the image is.
    Mirroring is random in both phases, as in Caffe.

    Before that, images are changed as ``augmentation`` says, if anything of it is asked for; after it, batches are
    mixed as ``mix`` says.

    Attributes:
        crop: height and width of the cut; 0, 0: none.
        random: whether random numbers are drawn for :meth:`apply`.
        augmentation, mix: None when there is none.
        max_corrupt: records that may be left out because they cannot be decoded.
        color: channels that encoded images are decoded to: True 3 (force_color), False 1 (force_gray), None their own.

    Raises DataError when the options contradict each other, WeightsError when the mean file cannot be read.
    """

    def __init__(self, param: Any, phase: int):
        self.param = param
        self.crop = crop_height_width(param)
        self.mirror: bool = param.mirror
        self.random_crop = phase == pb.TRAIN and self.crop[0] > 0
        self.random = self.random_crop or self.mirror
        self.mean_file: str = param.mean_file
        self.scale = np.float32(param.scale)
        if param.force_color and param.force_gray:
            raise DataError("force_color and force_gray contradict each other; set one of them")
        self.color = True if param.force_color else False if param.force_gray else None
        if self.mean_file and len(param.mean_value):
            raise DataError(
                f"mean_file ('{self.mean_file}') and mean_value ({_numbers(param.mean_value)}) are both given; keep one"
            )
        if self.mean_file:
            self.mean = np.ascontiguousarray(read_mean(self.mean_file), np.float32)
        else:
            self.mean = np.array(param.mean_value or [0], np.float32).reshape(-1, 1, 1)
        augmentation = Augmentation(param, phase, self.mean)
        self.augmentation = augmentation if augmentation.active else None
        mix = Mix(param.mix_param) if param.HasField("mix_param") else None
        self.mix = mix if phase == pb.TRAIN else None
        self.max_corrupt: int = param.max_corrupt

    def augmented(self, image: np.ndarray, seed: int, position: int) -> np.ndarray:
        """An image of C×H×W as :meth:`apply` takes it; ``position`` in the stream fixes what is random.

        Raises DataError (without the record's name) when it is not of bytes.
        """
        if self.augmentation is None or not self.augmentation.moves_pixels:
            return image
        return self.augmentation.apply(image, generator(seed, position))

    def finish(self, out: np.ndarray, seed: int, positions: Sequence[int]) -> None:
        """What comes after :meth:`apply`: parts of the images are erased."""
        if self.augmentation is not None and "erase_param" in self.augmentation.active:
            for image, position in zip(out, positions, strict=True):
                self.augmentation.erase(image, self.scale, generator(~seed & MASK, position))

    def mixed(self, data: np.ndarray, labels: np.ndarray, out: np.ndarray, seed: int, position: int) -> None:
        """Mix a finished batch whose first image is at ``position``; its labels go to ``out`` as shares, N×classes."""
        if self.mix is not None:
            self.mix.apply(data, labels, out, generator(~seed & MASK, position + MIX_POSITION))

    def augmented_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of :meth:`augmented` images of this shape."""
        return shape if self.augmentation is None else (shape[0], *self.augmentation.output_size(*shape[1:]))

    def output_shape(self, channels: int, height: int, width: int) -> tuple[int, int, int]:
        """Shape that images of this shape come out in. Raises DataError when the options do not fit them."""
        (crop_height, crop_width), mean = self.crop, self.mean.shape
        if crop_height > height or crop_width > width:
            said, most = f"crop_size: {crop_height}", f"{min(height, width)}"
            if self.param.crop_h:
                said, most = f"crop_h: {crop_height} crop_w: {crop_width}", f"{height} and {width}"
            raise DataError(
                f"{said} is larger than the image, {height}×{width} (height × width); "
                f"use at most {most}, or larger images"
            )
        if self.mean_file and mean != (channels, height, width):
            raise DataError(
                f"mean_file: '{self.mean_file}' is {_by(mean)}, but the image is {_by((channels, height, width))} "
                "(channels × height × width); make the mean of the same database, or use one mean_value a channel"
            )
        if mean[0] not in (1, channels):
            raise DataError(
                f"mean_value: {mean[0]} values ({_numbers(self.param.mean_value)}) for an image of {channels} "
                f"channel{'s' * (channels > 1)}; give one value{f' or {channels}' * (channels > 1)}"
            )
        return (channels, crop_height or height, crop_width or width)

    def apply(
        self, images: np.ndarray | Sequence[np.ndarray], out: np.ndarray, words: np.ndarray | None = None
    ) -> None:
        """Transform images into ``out``, float32 of N×C×H×W with the C×H×W of :meth:`output_shape`.

        ``images`` are uint8 or float32, an array of N×C×H×W or a sequence of C×H×W that may differ in height and
        width. ``words`` are their random numbers, from :func:`draws`; without them nothing is random.
        """
        places = self._places(images, out, words)
        if isinstance(images, np.ndarray):
            transform_batch(np.ascontiguousarray(images), places, self.mean, self.scale, out)
            return
        for image, (top, left, mirror), target in zip(images, places.tolist(), out, strict=True):
            transform(np.ascontiguousarray(image), top, left, mirror, self.mean, self.scale, target)

    def _places(self, images: Any, out: np.ndarray, words: np.ndarray | None) -> np.ndarray:
        """Row of the first pixel, its column, mirrored or not, for each image; N×3."""
        height, width = out.shape[2:]
        places = np.zeros((len(images), 3), np.int64)
        if (height, width) != images[0].shape[1:] or not isinstance(images, np.ndarray):
            places[:, 0] = [image.shape[1] - height for image in images]
            places[:, 1] = [image.shape[2] - width for image in images]
        if not self.random_crop or words is None:
            places >>= 1
        else:
            places[:, :2] = (words[:, 1:3] >> np.uint64(32)) * (places[:, :2].astype(np.uint64) + 1) >> np.uint64(32)
        if self.mirror and words is not None:
            places[:, 2] = words[:, 0] >> np.uint64(63)
        return places


def draws(seed: int, position: int, count: int, step: int = 1) -> np.ndarray:
    """Random words for ``count`` images, the first at ``position`` of the stream and the others ``step`` apart.

    count×4 of uint64. They depend on seed and position alone (Philox is counter-based), so any number of readers,
    in any order, draws the same for the same image.
    """
    words = np.random.Philox(key=seed, counter=position).random_raw(4 * ((count - 1) * step + 1))
    return words.reshape(-1, 4)[::step]


def transform_plain(
    image: np.ndarray, top: int, left: int, mirror: int, mean: np.ndarray, scale: Any, out: np.ndarray
) -> None:
    """What :func:`transform` does, in array calls: the definition it is tested against."""
    height, width = out.shape[1:]
    window = np.s_[:, top : top + height, left : left + width]
    cut = (image[window].astype(np.float32) - (mean if mean.shape[1:] == (1, 1) else mean[window])) * scale
    out[...] = cut[:, :, ::-1] if mirror else cut


# Serial and without the GIL: it runs in threads beside the net's own parallel kernels. Indices of mirrored rows are
# unsigned because Numba does not vectorise an index that could be negative.
@njit(nogil=True, cache=True)
def transform(image, top, left, mirror, mean, scale, out):
    """Cut, mirror, subtract and scale in one pass; ``mean`` is 1×1×1, C×1×1 or as large as the image."""
    channels, height, width = out.shape
    last = np.uintp(width - 1)
    constant = mean.shape[1] == 1 and mean.shape[2] == 1
    step = 0 if constant else 1
    for channel in range(channels):
        plane = mean[channel if len(mean) > 1 else 0]
        for row in range(height):
            source = image[channel, top + row, left : left + width]
            target = out[channel, row]
            average = plane[0, :1] if constant else plane[top + row, left : left + width]
            if mirror:
                for i in range(np.uintp(width)):
                    target[last - i] = (np.float32(source[i]) - average[i * np.uintp(step)]) * scale
            else:
                for i in range(width):
                    target[i] = (np.float32(source[i]) - average[i * step]) * scale


@njit(nogil=True, cache=True)
def transform_batch(images, places, mean, scale, out):
    """:func:`transform` for each of N images; ``places`` is N×3: top, left, mirror."""
    for i in range(len(images)):
        transform(images[i], places[i, 0], places[i, 1], places[i, 2], mean, scale, out[i])


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _numbers(values: Any) -> str:
    return ", ".join(f"{value:g}" for value in values)
