"""Images named in a list, read from their files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from cafpy.errors import DataError
from cafpy.feed.image import read_image
from cafpy.feed.order import Order
from cafpy.feed.source import BadRecord, Block

Entry = tuple[str, int]  # path as it stands in the list, label


class ImageSource:
    """The images of a list (see :func:`cafpy.feed.image_list.read_image_list`) in its order, or shuffled.

    Args:
        entries: paths and labels.
        root_folder: put before each path as it is.
        new_size: height and width to resize to, or None.
        color: 3 channels (BGR), or else 1.
        shuffle: a new random order in each pass over the list; the seed and the number of the pass fix it.

    Files are opened when their turn comes. Raises DataError, naming the file, when one is missing or no image.
    """

    seed = 0
    costly = True
    one_size = "set new_height and new_width, or a crop_size, or batch_size: 1"

    def __init__(
        self,
        entries: Sequence[Entry],
        root_folder: str = "",
        new_size: tuple[int, int] | None = None,
        color: bool = True,
        shuffle: bool = False,
    ):
        self.entries = entries
        self.root_folder = root_folder
        self.new_size = new_size
        self.color = color
        self.shuffle = shuffle
        self._order = Order(len(entries))

    def __len__(self) -> int:
        return len(self.entries)

    def label_counts(self) -> Mapping[float, int]:
        return Counter(label for _, label in self.entries)

    def fetch(self, position: int) -> Entry:
        index = self._order.index(position, self.seed) if self.shuffle else position % len(self.entries)
        return self.entries[index]

    def decode(self, fetched: Entry, color: bool | None) -> tuple[np.ndarray, float]:
        path = self.root_folder + fetched[0]
        try:
            image = read_image(path, self.color, self.new_size)
        except FileNotFoundError:
            raise BadRecord(
                f"{self.name(fetched)} does not exist (looked in {Path.cwd()}){self._hint(fetched)}"
            ) from None
        except OSError as error:
            raise BadRecord(f"{self.name(fetched)} cannot be read: {error.strerror}") from error
        except DataError as error:
            raise BadRecord(f"{self.name(fetched)} {error}") from error
        return image, float(fetched[1])

    def block(self, positions: np.ndarray, color: bool | None) -> Block | None:
        return None

    def name(self, fetched: Entry) -> str:
        return f"image '{self.root_folder}{fetched[0]}'"

    def close(self) -> None:
        pass

    def _hint(self, fetched: Entry) -> str:
        root = self.root_folder
        if root and not root.endswith("/") and Path(root, fetched[0]).is_file():
            return f'; root_folder is put before the path as it is: write `root_folder: "{root}/"`'
        return ""
