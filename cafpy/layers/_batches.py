"""What layers that read images with labels share: everything but where the images come from."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import Any

from cafpy.blob import Blob
from cafpy.feed.reader import BatchReader
from cafpy.feed.source import LabelCounting
from cafpy.feed.transformer import Transformer
from cafpy.layer import Layer

logger = logging.getLogger(__name__)


class BatchLayer(Layer):
    """A layer without bottoms whose tops are a batch of images, N×C×H×W, and, if a second one is named, their labels,
    N (N×classes where mix_param mixes them). A subclass's setup makes the ``reader``.

    Where the images of a batch have another size than those of the last one, the top is reshaped.
    """

    bottoms = 0
    tops = (1, 2)

    reader: BatchReader

    def check_batch_size(self, batch_size: int) -> None:
        """Raise the layer's error when ``batch_size`` was not given."""
        if batch_size < 1:
            raise self.error(f"batch_size is missing; write `{self.options_field} {{ batch_size: 64 … }}`")

    def warn_of_old_fields(self, names: Iterable[str]) -> None:
        """Say that options which once stood in the layer's own message are ignored there, as in Caffe."""
        for name in names:
            if self.options.HasField(name):
                logger.warning(
                    "%s: %s in %s is ignored; it belongs in transform_param", self.where, name, self.options_field
                )

    def new_transformer(self) -> Transformer:
        """What transform_param asks for; what of it has no effect is warned of."""
        param = self.param.transform_param
        for name in ("height_scale", "width_scale"):
            if param.resize_param.HasField(name):
                logger.warning(
                    "%s: %s in resize_param is ignored; it is about the boxes of a detection net, which %s has not",
                    *(self.where, name, self.param.type),
                )
        return Transformer(param, self.phase)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        top[0].reshape(self.reader.shape)
        if len(top) > 1:
            top[1].reshape(self.reader.label_shape)
        elif self.reader.label_shape[1:]:
            raise self.error("mix_param mixes labels with the images; name a second top for them")

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        batch: Any = self.reader.next()
        for blob, values in zip(top, batch, strict=False):
            if blob.shape != values.shape:
                blob.reshape(values.shape)
            self.backend.upload(blob.data, values)

    def state(self) -> dict[str, int]:
        return {"position": self.reader.position}

    def load_state(self, state: dict[str, int]) -> None:
        self.reader.position = state["position"]
        self.reader.seed = self.seed

    def records(self) -> int | None:
        source = self.reader.source
        return len(source) if isinstance(source, Sized) else None

    def label_counts(self, top: int) -> Mapping[float, int] | None:
        source = self.reader.source
        return source.label_counts() if top == 1 and isinstance(source, LabelCounting) else None

    def close(self) -> None:
        if hasattr(self, "reader"):
            self.reader.close()
