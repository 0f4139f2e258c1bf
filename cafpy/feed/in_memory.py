"""Small databases of raw images as one array, so that a batch is a few array calls instead of some for each record."""

from __future__ import annotations

import numpy as np

from cafpy.errors import DataError
from cafpy.feed.database import Database
from cafpy.feed.datum import datum_to_image, parse_datum

IN_MEMORY = 256 << 20  # bytes of pixels


def load_raw_images(database: Database, limit: int = IN_MEMORY) -> tuple[np.ndarray, np.ndarray] | None:
    """All images, uint8 of N×C×H×W, and labels, float32 of N, in the order of the keys.

    None when they need more than ``limit`` bytes, are not all raw bytes of one shape, or one cannot be read (reading
    record by record then tells which).
    """
    if database.bytes_on_disk() > 2 * limit:
        return None
    images: np.ndarray | None = None
    labels = np.empty(0, np.float32)
    try:
        for i in range(len(database)):
            datum = parse_datum(database.record(i)[1])
            if datum.encoded or not datum.data:
                return None
            image = datum_to_image(datum)
            if images is None:
                if len(database) * image.size > limit:
                    return None
                images = np.empty((len(database), *image.shape), np.uint8)
                labels = np.empty(len(database), np.float32)
            if image.shape != images.shape[1:]:
                return None
            images[i], labels[i] = image, datum.label
    except DataError:
        return None
    return None if images is None else (images, labels)
