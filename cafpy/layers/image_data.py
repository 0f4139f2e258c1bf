"""ImageData: images and labels from files named in a list."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.feed.image_list import read_image_list
from cafpy.feed.image_source import ImageSource
from cafpy.feed.reader import BatchReader
from cafpy.layers._batches import BatchLayer

logger = logging.getLogger(__name__)


class ImageData(BatchLayer):
    """Reads images from files named in a text file, a path, a space and a whole number as label on each line; after
    the last one the first comes again. No database is needed, but every image is decoded anew in every pass; batches
    are made ahead on several threads.

    Shapes: tops N × C × H × W and, if a second top is named, N labels. C is 3 (blue, green, red) or 1; H and W are
    those of the images, or new_height × new_width, or crop_size. Images of different sizes need one of these, or N = 1.

    Options (image_data_param):
        source: the list. Relative names count from the working directory.
        root_folder: put before each path as it is, so it ends with / (default "").
        batch_size: N (default 1).
        new_height, new_width: resize to this, bilinear (default 0: as they are).
        is_color: 3 channels, or else 1 (default true).
        shuffle: take the lines in random order, a new one in each pass (default false).
        rand_skip: begin at a random line, one of the first so many (default 0: at the first).
        scale, mean_file, crop_size, mirror: of old; without effect, which is warned of. Write them into
            transform_param.
    Options (transform_param), for each image: (image − mean) · scale, cut and mirrored:
        scale: factor (default 1).
        mean_file: mean image, subtracted where the image is cut; or
        mean_value: numbers to subtract, one for all channels or one for each.
        crop_size: cut to a square of this size, at random in TRAIN, from the middle in TEST; or
        crop_h, crop_w: to this height and width.
        mirror: mirror half of the images, at random, left to right, in both phases (default false).
    Options (transform_param), for images of bytes, before that, in this order, each off unless written; all but
    resize_param in TRAIN only (docs/data.md has their options):
        distort_param: brightness, contrast, hue, saturation and the order of channels, at random.
        expand_param: the image at random on a larger canvas of the mean colour.
        rotate_param: turned at random about its middle.
        random_crop_param: a cut of random place, area and proportions, resized to resize_param's size or crop_size.
        resize_param: to a height and width, in both phases.
        rand_augment_param: some changes drawn from fourteen.
        noise_param: blur, JPEG compression, salt and pepper and others.
        erase_param: a random rectangle filled, after all others.
        mix_param: MixUp and CutMix; the labels become N × classes, which SoftmaxWithLoss takes as they are.
        max_corrupt: so many records that cannot be decoded are left out, with a warning (default 0).
    Options (data_param):
        prefetch: batches made ahead (default 4).

    ```
    layer {
      name: "data" type: "ImageData" top: "data" top: "label"
      transform_param { crop_size: 227 mirror: true mean_value: 104 mean_value: 117 mean_value: 123 }
      image_data_param {
        source: "train.txt" root_folder: "images/" batch_size: 64 new_height: 256 new_width: 256 shuffle: true
      }
    }
    ```
    """

    options_field = "image_data_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        options = self.options
        if not options.source:
            raise self.error('source is missing; write `image_data_param { source: "list.txt" … }`')
        self.check_batch_size(options.batch_size)
        self.warn_of_old_fields(("scale", "mean_file", "crop_size", "mirror"))
        transform = self.param.transform_param
        for name in ("force_color", "force_gray"):
            if getattr(transform, name):
                logger.warning("%s: %s is ignored; ImageData has is_color in image_data_param", self.where, name)
        entries = read_image_list(options.source)
        self.reader = BatchReader(
            ImageSource(entries, options.root_folder, self._new_size(), options.is_color, options.shuffle),
            options.batch_size,
            self.new_transformer(),
            seed=self.seed,
            rank=self.backend.rank,
            world=self.backend.world,
            prefetch=max(1, self.param.data_param.prefetch),
            rand_skip=options.rand_skip,
        )

    def _new_size(self) -> tuple[int, int] | None:
        height, width = self.options.new_height, self.options.new_width
        if bool(height) != bool(width):
            given, missing = ("new_height", "new_width") if height else ("new_width", "new_height")
            raise self.error(f"{given}: {height or width} is given without {missing}; give both, or none")
        return (height, width) if height else None
