"""WindowData: windows of images, foreground and background, as R-CNN is trained on them."""

from __future__ import annotations

from collections.abc import Sequence

from cafpy.blob import Blob
from cafpy.errors import did_you_mean
from cafpy.feed.reader import BatchReader
from cafpy.feed.transformer import Transformer
from cafpy.feed.window_cut import Cut
from cafpy.feed.window_file import read_window_file
from cafpy.feed.window_source import WindowSource
from cafpy.layers._batches import BatchLayer
from cafpy.proto import cafpy_pb2 as pb


class WindowData(BatchLayer):
    """Draws windows of images at random: first background windows, with label 0, then foreground windows, with the
    label of their object. Each becomes a square of crop_size pixels, minus the mean and scaled; what is outside of the
    image stays 0. Overlap is intersection over union with an object, as the window file says it. From R-CNN
    (Girshick et al., 2014).

    The window file has for each image the lines `# index`, path, channels, height, width, number of windows, and then
    for each window a line `class overlap x1 y1 x2 y2`.

    Shapes: tops N × 3 × crop_size × crop_size and, if a second top is named, N labels.

    Options (window_data_param):
        source: the window file. Relative names count from the working directory.
        root_folder: put before each path as it is, so it ends with / (default "").
        batch_size: N.
        fg_threshold: from this overlap on a window is foreground (default 0.5).
        bg_threshold: below this overlap it is background (default 0.5).
        fg_fraction: of a batch that is foreground, rounded down (default 0.25).
        context_pad: pixels of the square, on each side, for what is around the window (default 0).
        crop_mode: "warp" the window to the square, or take the smallest "square" around it (default "warp").
        cache_images: keep the image files in memory (default false).
        scale: factor after the mean is subtracted (default 1); here or in transform_param.
        mean_file, crop_size, mirror: of old; without effect, which is warned of. Write them into transform_param.
    Options (transform_param):
        crop_size: side of the square; required.
        mean_file: mean image, its middle is subtracted; or
        mean_value: numbers to subtract, one for all channels or one for each.
        mirror: mirror half of the windows, at random, left to right (default false).
        scale: as above.
    Options (data_param):
        prefetch: batches made ahead (default 4).

    ```
    layer {
      name: "data" type: "WindowData" top: "data" top: "label"
      transform_param { crop_size: 227 mirror: true mean_file: "imagenet_mean.binaryproto" }
      window_data_param { source: "window_file_2007_trainval.txt" batch_size: 128 context_pad: 16 }
    }
    ```
    """

    options_field = "window_data_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        options = self.options
        if not options.source:
            raise self.error('source is missing; write `window_data_param { source: "window_file.txt" … }`')
        self.check_batch_size(options.batch_size)
        self.warn_of_old_fields(("mean_file", "crop_size", "mirror"))
        if not 0 <= options.fg_fraction <= 1:
            raise self.error(f"fg_fraction: {options.fg_fraction:g} is no part of a batch; use 0 to 1")
        source = WindowSource(
            read_window_file(options.source),
            self._cut(),
            self._transformer(),
            options.batch_size,
            root_folder=options.root_folder,
            fg_threshold=options.fg_threshold,
            bg_threshold=options.bg_threshold,
            fg_fraction=options.fg_fraction,
            cache_images=options.cache_images,
            world=self.backend.world,
        )
        as_they_are = Transformer(pb.TransformationParameter(), self.phase)  # the source has transformed them
        prefetch = max(1, self.param.data_param.prefetch)
        self.reader = BatchReader(
            source,
            options.batch_size,
            as_they_are,
            seed=self.seed,
            rank=self.backend.rank,
            world=self.backend.world,
            prefetch=prefetch,
        )

    def _cut(self) -> Cut:
        options, size = self.options, self.param.transform_param.crop_size
        if self.param.transform_param.crop_h or self.param.transform_param.crop_w:
            raise self.error("crop_h, crop_w: windows are squares; write crop_size")
        if not size:
            raise self.error("crop_size is missing; write `transform_param { crop_size: 227 … }`")
        if options.crop_mode not in CROP_MODES:
            raise self.error(
                f"crop_mode: '{options.crop_mode}'{did_you_mean(options.crop_mode, CROP_MODES)} is unknown; use "
                '"warp" or "square"'
            )
        if 2 * options.context_pad >= size:
            raise self.error(
                f"context_pad: {options.context_pad} on both sides leaves nothing of crop_size {size}; use at most "
                f"{(size - 1) // 2}"
            )
        return Cut(size, options.context_pad, options.crop_mode == "square")

    def _transformer(self) -> Transformer:
        """Of the options that are written in two places, Caffe reads scale in window_data_param only; it moves that of
        old nets to transform_param, where it is lost. Here both count."""
        param = pb.TransformationParameter()
        param.CopyFrom(self.param.transform_param)
        if self.options.HasField("scale"):
            if param.HasField("scale"):
                raise self.error("scale is given in window_data_param and in transform_param; keep one")
            param.scale = self.options.scale
        transformer = Transformer(param, self.phase)
        if transformer.augmentation is not None or transformer.mix is not None:
            active = transformer.augmentation.active if transformer.augmentation is not None else []
            names = ", ".join([*active, *["mix_param"] * (transformer.mix is not None)])
            raise self.error(f"{names}: WindowData only cuts, resizes and mirrors its windows; remove it")
        shape, size = transformer.mean.shape, param.crop_size
        if len(transformer.mean) not in (1, 3):
            raise self.error(f"the mean has {len(transformer.mean)} channels; windows have 3")
        start = (shape[2] - size) // 2
        if transformer.mean_file and not 0 <= start <= shape[1] - size:
            raise self.error(
                f"mean_file: '{param.mean_file}' is {shape[1]}×{shape[2]} (height × width), from which no square of "
                f"crop_size {size} can be cut {start} pixels from top and left; use a square mean, or mean_value"
            )
        return transformer


CROP_MODES = ("warp", "square")
