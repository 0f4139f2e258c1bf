"""Data: images and labels from a database."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.feed.reader import BatchReader
from cafpy.feed.source import DatabaseSource
from cafpy.layers._batches import BatchLayer


class Data(BatchLayer):
    """Reads images and their labels from an LMDB or LevelDB database of Datum messages, in the order of the keys;
    after the last one the first comes again, in the middle of a batch if need be. Batches are made ahead in the
    background. `cafpy convert` makes such databases.

    Shapes: tops N × C × H × W and, if a second top is named, N labels. H and W are those of the images, or crop_size.

    Options (data_param):
        source: the database, a folder (or an LMDB file). Relative names count from the working directory.
        batch_size: N.
        backend: LMDB or LEVELDB (default LEVELDB).
        rand_skip: begin at a random record, one of the first so many (default 0: at the first).
        prefetch: batches made ahead (default 4).
        shuffle: take the records in random order, a new one in each pass (default false).
        scale, mean_file, crop_size, mirror, force_encoded_color: of old; without effect, which is warned of. Write them
            into transform_param.
    Options (transform_param), for each image: (image − mean) · scale, cut and mirrored:
        scale: factor (default 1).
        mean_file: mean image, subtracted where the image is cut; or
        mean_value: numbers to subtract, one for all channels or one for each.
        crop_size: cut to a square of this size, at random in TRAIN, from the middle in TEST; or
        crop_h, crop_w: to this height and width.
        mirror: mirror half of the images, at random, left to right, in both phases (default false).
        force_color, force_gray: decode encoded images to 3 channels, or to 1.
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

    ```
    layer {
      name: "data" type: "Data" top: "data" top: "label"
      transform_param { crop_size: 227 mirror: true mean_file: "data/ilsvrc12/imagenet_mean.binaryproto" }
      data_param { source: "examples/imagenet/ilsvrc12_train_lmdb" batch_size: 256 backend: LMDB }
      include { phase: TRAIN }
    }
    ```
    """

    options_field = "data_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        options = self.options
        if not options.source:
            raise self.error('source is missing; write `data_param { source: "path/to/database" … }`')
        self.check_batch_size(options.batch_size)
        self.warn_of_old_fields(("scale", "mean_file", "crop_size", "mirror", "force_encoded_color"))
        transformer = self.new_transformer()
        self.reader = BatchReader(
            DatabaseSource(options.source, options.backend, options.shuffle),
            options.batch_size,
            transformer,
            seed=self.seed,
            rank=self.backend.rank,
            world=self.backend.world,
            prefetch=max(1, options.prefetch),
            rand_skip=options.rand_skip,
        )
