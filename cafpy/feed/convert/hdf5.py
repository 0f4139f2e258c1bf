"""Arrays, or listed images with any labels, to an HDF5 file that HDF5Data layers read, and the list that names it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from cafpy.errors import DataError
from cafpy.feed.convert.csv_list import read_csv_list
from cafpy.feed.convert.image_record import AS_THEY_ARE, ImageOptions, image_pixels, in_order, or_reason
from cafpy.feed.convert.imageset import nothing_usable
from cafpy.feed.convert.listed_images import path_prefix
from cafpy.feed.convert.report import ConversionReport, Progress, no_progress
from cafpy.feed.image_list import read_image_list
from cafpy.files import atomic_write

BLOCK = 64  # images that are written at once


def hdf5_files(out: str | Path, force: bool = False) -> tuple[Path, Path]:
    """The HDF5 file and the list file that ``out`` (with or without .h5) stands for.

    Raises DataError when one exists, unless ``force``, or their folder does not.
    """
    data = Path(out) if Path(out).suffix in (".h5", ".hdf5") else Path(f"{out}.h5")
    files = data, data.with_suffix(".txt")
    if not data.parent.is_dir():
        raise DataError(f"cannot write '{data}': the folder '{data.parent}' does not exist; make it first")
    for file in files:
        if file.exists() and not (force and file.is_file()):
            raise DataError(f"'{file}' exists; give another name, or force its replacement")
    return files


def convert_arrays_to_hdf5(arrays: Mapping[str, np.ndarray], out: str | Path, force: bool = False) -> ConversionReport:
    """Write arrays, each to the dataset (and so to the top) of its name; all have the same number of rows.

    Raises DataError when they do not fit each other or hold no numbers.
    """
    data, listed = hdf5_files(out, force)
    if not arrays:
        raise DataError("no arrays came; give .npy or .npz files")
    for name, array in arrays.items():
        if array.dtype.kind not in "uifb":
            raise DataError(f"the array '{name}' holds {array.dtype}, not numbers")
        if not array.ndim or not array.size:
            raise DataError(f"the array '{name}' has no rows (shape {array.shape})")
    rows = {name: len(array) for name, array in arrays.items()}
    if len(set(rows.values())) > 1:
        text = ", ".join(f"'{name}' {count}" for name, count in rows.items())
        raise DataError(f"the arrays differ in their number of rows: {text}")
    report = ConversionReport(listed)
    with atomic_write(data) as path, h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=np.asarray(array, np.uint8) if array.dtype.kind == "b" else array)
    _write_list(listed, data)
    report.written = next(iter(rows.values()))
    report.shapes[next(iter(arrays.values())).shape[1:]] = report.written
    return report


def convert_images_to_hdf5(
    source: str | Path,
    out: str | Path,
    options: ImageOptions = AS_THEY_ARE,
    *,
    root: str | Path | None = None,
    labels: Sequence[str] | None = None,
    mean: Sequence[float] = (),
    scale: float = 1.0,
    shuffle: bool = False,
    seed: int = 0,
    force: bool = False,
    jobs: int | None = None,
    progress: Progress = no_progress,
) -> ConversionReport:
    """Write the images of a list to the dataset "data" and their labels to "label".

    ``source`` is a .csv file (header path,label or path,x,y,…) or a list of lines "path label". "data" is N×C×H×W,
    uint8 as decoded, or float32 of (image − mean) · scale when either is given: HDF5Data has no transform_param.
    "label" is N for whole numbers, one an image, and else N×K; float32.

    Images that cannot be decoded are left out and told in the report. Raises DataError when the list is wrong, images
    differ in size, or none can be used.
    """
    data, listed = hdf5_files(out, force)
    paths, values = _listed(source, labels)
    order = list(range(len(paths)))
    if shuffle:
        random.Random(seed).shuffle(order)
    prefix = path_prefix(root)
    report = ConversionReport(listed, labels=list(labels or ()))
    kept: list[int] = []
    block: list[np.ndarray] = []
    with atomic_write(data) as path, h5py.File(path, "w") as file:
        for index, image in zip(
            order, in_order(lambda i: _image(prefix + paths[i], options), order, jobs), strict=True
        ):
            if isinstance(image, str):
                report.skipped.append((prefix + paths[index], image))
            else:
                _check_size(prefix + paths[index], image, report)
                report.written += 1
                report.shapes[image.shape] += 1
                if values.ndim == 1:
                    report.counts[int(values[index])] += 1
                kept.append(index)
                block.append(_transformed(image, mean, scale))
            if len(block) == BLOCK:
                _append(file, block)
            progress(len(kept) + len(report.skipped), len(paths))
        if not kept:
            raise DataError(nothing_usable(str(source), report))
        _append(file, block)
        file.create_dataset("label", data=values[kept].astype(np.float32))
    _write_list(listed, data)
    return report


def _listed(source: str | Path, labels: Sequence[str] | None) -> tuple[list[str], np.ndarray]:
    if str(source).lower().endswith(".csv"):
        rows = read_csv_list(source, labels)
        return rows.paths, rows.labels[:, 0] if rows.classes else rows.labels
    entries = read_image_list(source, labels)
    return [name for name, _ in entries], np.array([label for _, label in entries])


def _image(path: str, options: ImageOptions) -> np.ndarray | str:
    return or_reason(lambda: image_pixels(Path(path).read_bytes(), options))


def _check_size(name: str, image: np.ndarray, report: ConversionReport) -> None:
    if report.shapes and image.shape not in report.shapes:
        first = "×".join(map(str, next(iter(report.shapes))))
        raise DataError(
            f"'{name}' is {'×'.join(map(str, image.shape))} (channels × height × width), but the images before it are "
            f"{first}; a dataset holds one size: give --resize"
        )


def _transformed(image: np.ndarray, mean: Sequence[float], scale: float) -> np.ndarray:
    if not mean and scale == 1:
        return image
    if len(mean) not in (0, 1, len(image)):
        raise DataError(f"{len(mean)} mean values came for images of {len(image)} channels; give 1 or {len(image)}")
    return (image - np.array(mean or [0], np.float32).reshape(-1, 1, 1)) * np.float32(scale)


def _append(file: Any, block: list[np.ndarray]) -> None:
    """Write the images at the end of the dataset "data", and forget them."""
    if not block:
        return
    shape = block[0].shape
    if "data" not in file:
        file.create_dataset("data", (0, *shape), block[0].dtype, maxshape=(None, *shape), chunks=(1, *shape))
    dataset = file["data"]
    dataset.resize(len(dataset) + len(block), axis=0)
    dataset[-len(block) :] = block
    block.clear()


def _write_list(listed: Path, data: Path) -> None:
    with atomic_write(listed) as path:
        path.write_text(f"{data}\n", "utf-8")
