"""Data in images per second: making databases and reading batches, beside what people would write instead.

    python tools/bench_data.py FOLDER               a folder of class folders of JPEG files
    python tools/bench_data.py FOLDER --repeat 3 --size 256 --jobs 4

Making: `cafpy convert imageset --resize` with one and several jobs, a plain loop over OpenCV and one over Pillow
(`pip install pillow`), all of them into an LMDB of raw Datum records. Reading: batches of random cuts, mirrored, minus
a mean, from an LMDB of pixels, an LMDB of image files and the image files themselves, beside PyTorch's DataLoader with
as many workers and OpenCV in its data set (`pip install torch`); the same with random resized cuts and RandAugment; and
floats from HDF5, which are only copied. What is not installed is left out.

All competitors take turns; medians of the rounds, and the lowest and highest behind. The first round of each warms up
disks and compilers and does not count.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import h5py
import lmdb
import numpy as np

from cafpy.backend import default_threads
from cafpy.feed.backends import open_database
from cafpy.feed.convert.class_folders import list_class_folders
from cafpy.feed.convert.image_record import ImageOptions
from cafpy.feed.convert.imageset import convert_imageset
from cafpy.feed.hdf5_reader import Hdf5Reader
from cafpy.feed.hdf5_source import Hdf5Source
from cafpy.feed.image_source import ImageSource
from cafpy.feed.reader import BatchReader
from cafpy.feed.source import DatabaseSource, Source
from cafpy.feed.transformer import Transformer
from cafpy.proto import cafpy_pb2 as pb

BATCH = 32
PASSES = 4  # over the images a round, so that what is done once a round, or ahead of it, counts little
MEAN = (104, 117, 123)
MAP_SIZE = 1 << 34
Entries = list[tuple[str, int]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Images per second of making databases and of reading batches.")
    parser.add_argument("folder", type=Path, help="a folder of class folders of images")
    parser.add_argument("--size", type=int, default=256, help="pixels a side")
    parser.add_argument("--jobs", type=int, default=default_threads(), help="threads, or processes of PyTorch")
    parser.add_argument("--repeat", type=int, default=5, help="rounds that count")
    options = parser.parse_args()
    entries = [(str(options.folder / name), label) for name, label in list_class_folders(options.folder)[0]]
    cv2.setNumThreads(1)  # the loops are the usual ones: one image after the other
    with tempfile.TemporaryDirectory() as place:
        many = entries * PASSES
        print(f"making an LMDB of {len(many)} images, {options.size}×{options.size}: images/s")
        compare(makers(many, options, Path(place)), len(many), options.repeat)
        crop = options.size * 7 // 8
        print(f"reading batches of {BATCH}, cut to {crop}×{crop}, mirrored, minus a mean: images/s")
        compare(readers(entries, options, Path(place), crop), len(entries) // BATCH * BATCH * PASSES, options.repeat)


def compare(competitors: dict[str, Callable[[], object]], count: int, repeat: int) -> None:
    """Run all in turns, each for ``count`` images, and print their images per second."""
    rates: dict[str, list[float]] = {name: [] for name in competitors}
    for turn in range(repeat + 1):
        for name, run in competitors.items():
            start = time.perf_counter()
            run()
            if turn:
                rates[name].append(count / (time.perf_counter() - start))
    for name, values in rates.items():
        print(f"  {name:<42} {statistics.median(values):9.0f}   ({min(values):.0f} to {max(values):.0f})")


def makers(entries: Entries, options: Any, place: Path) -> dict[str, Callable[[], object]]:
    """What makes the database, by name."""
    listed = place / "list.txt"
    listed.write_text("".join(f"{path} {label}\n" for path, label in entries))
    image_options = ImageOptions(resize=(options.size, options.size))

    def ours(jobs: int) -> Callable[[], object]:
        return lambda: convert_imageset(listed, place / "ours", image_options, jobs=jobs, force=True)

    def loop(read: Callable[[str, int], np.ndarray]) -> Callable[[], object]:
        return lambda: plain_loop(entries, options.size, place, read)

    found: dict[str, Callable[[], object]] = {"OpenCV, a plain loop": loop(read_opencv)}
    if importlib.util.find_spec("PIL"):
        found["Pillow, a plain loop"] = loop(read_pillow)
    for jobs in sorted({1, 2, options.jobs}):
        found[f"cafpy convert imageset --jobs {jobs}"] = ours(jobs)
    return found


def plain_loop(entries: Entries, size: int, place: Path, read: Callable[[str, int], np.ndarray]) -> None:
    """The loop that one finds everywhere: read, resize, Datum, put; synced to disk in the end, as ours is."""
    with tempfile.TemporaryDirectory(dir=place) as folder:
        environment = lmdb.open(folder, map_size=MAP_SIZE)
        with environment.begin(write=True) as transaction:
            for i, (path, label) in enumerate(entries):
                image = read(path, size)
                datum = pb.Datum(channels=3, height=size, width=size, label=label)
                datum.data = image.transpose(2, 0, 1).tobytes()
                transaction.put(f"{i:08d}_{path}".encode(), datum.SerializeToString())
        environment.close()


def read_opencv(path: str, size: int) -> np.ndarray:
    return cv2.resize(np.asarray(cv2.imread(path)), (size, size))


def read_pillow(path: str, size: int) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as image:
        rgb = np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR))
    return rgb[:, :, ::-1]


def readers(entries: Entries, options: Any, place: Path, crop: int) -> dict[str, Callable[[], object]]:
    """What reads about as many images as there are, by name."""
    listed = place / "once.txt"
    listed.write_text("".join(f"{path} {label}\n" for path, label in entries))
    resize = (options.size, options.size)
    convert_imageset(listed, place / "pixels", ImageOptions(resize=resize))
    convert_imageset(listed, place / "files", ImageOptions(resize=resize, encoded=True, encode_type="jpg"))
    param = pb.TransformationParameter(crop_size=crop, mirror=True, mean_value=MEAN)
    batches = len(entries) // BATCH * PASSES

    augmented = pb.TransformationParameter(crop_size=crop, mirror=True, mean_value=MEAN)
    augmented.random_crop_param.min_area = 0.25
    augmented.rand_augment_param.n = 2

    def ours(source: Source, param: pb.TransformationParameter = param) -> Callable[[], object]:
        return batches_of(BatchReader(source, BATCH, Transformer(param, pb.TRAIN), workers=options.jobs))

    def batches_of(reader: BatchReader | Hdf5Reader) -> Callable[[], object]:
        def run() -> None:
            for _ in range(batches):
                reader.next()

        return run

    found: dict[str, Callable[[], object]] = {
        "cafpy Data, LMDB of pixels": ours(DatabaseSource(place / "pixels")),
        "cafpy Data, LMDB of JPEG files": ours(DatabaseSource(place / "files")),
        "cafpy ImageData, resized from files": ours(ImageSource(entries, new_size=resize)),
        "cafpy Data, LMDB of pixels, augmented": ours(DatabaseSource(place / "pixels"), augmented),
        "cafpy Data, LMDB of JPEG files, augmented": ours(DatabaseSource(place / "files"), augmented),
        "cafpy ImageData, augmented": ours(ImageSource(entries, new_size=resize), augmented),
        "cafpy HDF5Data, floats, as they are": batches_of(
            Hdf5Reader(Hdf5Source([floats(place, len(entries), crop)], ["data", "label"]), BATCH, np.float32)
        ),
    }
    if importlib.util.find_spec("torch"):
        loaders = {"LMDB of pixels": LmdbImages(place / "pixels", crop), "LMDB of JPEG files": LmdbImages(
            place / "files", crop), "resized from files": FileImages(entries, options.size, crop)}  # fmt: skip
        for name, images in loaders.items():
            found[f"PyTorch DataLoader, {name}"] = torch_reader(images, options.jobs)
    return found


def floats(place: Path, count: int, crop: int) -> Path:
    """An HDF5 file of so many images of floats, and labels."""
    rng = np.random.default_rng(0)
    with h5py.File(place / "floats.h5", "w") as file:
        file["data"] = rng.standard_normal((count, 3, crop, crop), np.float32)
        file["label"] = np.zeros(count, np.float32)
    return place / "floats.h5"


def torch_reader(images: Any, workers: int) -> Callable[[], object]:
    """Batches of a DataLoader whose workers stay alive between rounds; starting them does not count."""
    from torch.utils.data import DataLoader

    loader: Any = DataLoader(
        images, BATCH, shuffle=False, num_workers=workers, drop_last=True, persistent_workers=True, prefetch_factor=4
    )

    def run() -> None:
        for _ in range(PASSES):
            for _batch in loader:
                pass

    return run


class LmdbImages:
    """A PyTorch data set of Datum records; each worker opens the database for itself."""

    def __init__(self, path: Path, crop: int):
        self.path = shutil.copytree(path, f"{path}_of_its_own")  # a process may open an LMDB but once
        self.crop = crop
        with open_database(self.path) as database:
            self.keys = [database.record(i)[0] for i in range(len(database))]
        self._transaction: Any = None

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        if self._transaction is None:
            self._transaction = lmdb.open(self.path, readonly=True, lock=False, readahead=False).begin()
        datum = pb.Datum.FromString(self._transaction.get(self.keys[index]))
        if datum.encoded:
            pixels = np.asarray(cv2.imdecode(np.frombuffer(datum.data, np.uint8), cv2.IMREAD_COLOR))
        else:
            pixels = np.frombuffer(datum.data, np.uint8).reshape(3, datum.height, datum.width).transpose(1, 2, 0)
        return transformed(pixels, self.crop), datum.label


class FileImages:
    """A PyTorch data set of image files."""

    def __init__(self, entries: Entries, size: int, crop: int):
        self.entries, self.size, self.crop = entries, size, crop

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        path, label = self.entries[index]
        return transformed(read_opencv(path, self.size), self.crop), label


def transformed(pixels: np.ndarray, crop: int) -> np.ndarray:
    """A random cut of H×W×C pixels, perhaps mirrored, minus the mean, as C×H×W."""
    top, left = random.randint(0, pixels.shape[0] - crop), random.randint(0, pixels.shape[1] - crop)
    cut = pixels[top : top + crop, left : left + crop]
    if random.random() < 0.5:
        cut = cut[:, ::-1]
    return np.ascontiguousarray((cut.astype(np.float32) - np.array(MEAN, np.float32)).transpose(2, 0, 1))


if __name__ == "__main__":
    main()
