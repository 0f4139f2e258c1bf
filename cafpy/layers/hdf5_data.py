"""HDF5Data: batches from HDF5 files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cafpy.blob import Blob
from cafpy.feed.hdf5_reader import Hdf5Reader
from cafpy.feed.hdf5_source import Hdf5Source, read_list
from cafpy.layer import Layer


class HDF5Data(Layer):
    """Reads batches of any number of datasets from a list of HDF5 files, for data that are no images or labels that
    are no single integer. Each top is the dataset of its own name; the first axis counts the items. After the last
    row of the last file the first comes again, in the middle of a batch if need be.

    Shapes: dataset N_file × d1 × d2 … → top batch_size × d1 × d2 …. Integers and doubles become the net's number type.
    Files up to 256 MB are held in memory one at a time; larger ones are read batch by batch (store them unchunked or
    in chunks of few rows if they are to be shuffled).

    Options (hdf5_data_param):
        source: text file that lists the HDF5 files, one a line. Relative names count from the working directory.
        batch_size: items in a batch.
        shuffle: take the files in random order, and the rows of each file too (default false).
        prefetch: batches made ahead (default 4).

    There is no transform_param: scale the data when the files are made.

    ```
    layer {
      name: "data" type: "HDF5Data" top: "features" top: "label"
      hdf5_data_param { source: "train_files.txt" batch_size: 64 shuffle: true }
    }
    ```
    """

    bottoms = 0
    tops = (1, None)
    options_field = "hdf5_data_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if self.param.HasField("transform_param"):
            raise self.error(
                "transform_param: HDF5Data does not transform data; remove it, and scale the files instead"
            )
        if not self.options.source:
            raise self.error('source is missing; write `hdf5_data_param { source: "list_of_h5_files.txt" … }`')
        if not self.options.batch_size:
            raise self.error("batch_size is missing; it must be at least 1")
        source = Hdf5Source(read_list(self.options.source), list(self.param.top), self.options.shuffle, self.seed)
        self.reader = Hdf5Reader(
            source,
            self.options.batch_size,
            self.dtype,
            max(1, self.options.prefetch),
            self.backend.rank,
            self.backend.world,
        )

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for blob, shape in zip(top, self.reader.shapes, strict=True):
            blob.reshape(shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for blob, values in zip(top, self.reader.next(), strict=True):
            self.backend.upload(blob.data, values)

    def state(self) -> dict[str, int]:
        return self.reader.state()

    def load_state(self, state: dict[str, int]) -> None:
        self.reader.load_state(state, self.seed)

    def records(self) -> int:
        return len(self.reader.source)

    def label_counts(self, top: int) -> Mapping[float, int]:
        return self.reader.source.label_counts(top)

    def close(self) -> None:
        if hasattr(self, "reader"):
            self.reader.close()
