"""HDF5Output: writes two blobs to an HDF5 file."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np

from cafpy.blob import Blob
from cafpy.errors import DataError
from cafpy.files import atomic_write
from cafpy.layer import Layer, shape_text

AXES = 4  # at least, as Caffe writes them


class HDF5Output(Layer):
    """Writes its bottoms to the datasets `data` and `label` of an HDF5 file, which HDF5Data can read. Each pass appends
    its rows. (Caffe writes one pass and stops the program in the second.) The file is there when the net is closed, or
    no longer used, at the latest at the end of the program; until then a file of that name stays as it was.

    Shapes: bottoms N × d1 × d2 … and N × …; the datasets have the rows of all passes and at least four axes, as Caffe
    writes them: labels of shape N become rows × 1 × 1 × 1. Nothing is given back to layers below.

    Options (hdf5_output_param):
        file_name: the file; its folder must exist. A file of that name is replaced.

    ```
    layer {
      name: "save" type: "HDF5Output" bottom: "fc7" bottom: "label"
      hdf5_output_param { file_name: "features.h5" }
    }
    ```
    """

    bottoms = 2
    tops = 0
    options_field = "hdf5_output_param"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if not self.options.file_name:
            raise self.error('file_name is missing; write `hdf5_output_param { file_name: "features.h5" }`')
        path = Path(self.options.file_name)
        if path.is_dir():
            raise self.error(f"file_name: '{path}' is a folder; name a file")
        if not path.parent.is_dir():
            raise self.error(f"file_name: there is no folder '{path.parent}' for '{path}'; make it first")
        self.path = path.absolute()
        self._file: h5py.File | None = None

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        counts = [blob.shape[0] if blob.ndim else 1 for blob in bottom]
        if counts[0] != counts[1]:
            raise self.error(
                f"bottoms of shapes {shape_text(bottom[0].shape)} and {shape_text(bottom[1].shape)} came; data and "
                "label must have the same first axis"
            )

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        file = self._file or self._open()
        for name, blob in zip(DATASETS, bottom, strict=True):
            values = self.backend.to_host(blob.data)
            try:
                self._append(file, name, values.reshape(values.shape + (1,) * (AXES - values.ndim)))
            except OSError as error:
                raise DataError(f"{self.where}: '{self.path}' cannot be written: {error}") from error

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        for blob, wanted in zip(bottom, propagate_down, strict=True):
            if wanted:
                blob.diff[...] = 0

    def close(self) -> None:
        """Put the file in its place. A later forward begins a new one."""
        if getattr(self, "_file", None) is not None:
            self._file = None
            self._finish()

    def _open(self) -> h5py.File:
        stack = ExitStack()
        self._file = stack.enter_context(h5py.File(stack.enter_context(atomic_write(self.path)), "w"))
        self._finish = weakref.finalize(self, stack.close)
        return self._file

    def _append(self, file: h5py.File, name: str, values: np.ndarray) -> None:
        if name not in file:
            file.create_dataset(name, data=values, maxshape=(None, *values.shape[1:]))
            return
        dataset = file[name]
        if dataset.shape[1:] != values.shape[1:]:
            raise DataError(
                f"{self.where}: '{name}' has rows of {shape_text(values.shape[1:])} now, but those in "
                f"'{self.path.name}' are {shape_text(dataset.shape[1:])}; close the net in "
                "between, or write to another file"
            )
        dataset.resize(len(dataset) + len(values), axis=0)
        dataset[len(dataset) - len(values) :] = values


DATASETS = ("data", "label")
