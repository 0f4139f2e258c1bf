"""CIFAR-10, as published or as image files, to a training and a test database."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np

from cafpy.errors import DataError
from cafpy.feed.convert.arrays import convert_two_arrays
from cafpy.feed.convert.cifar_files import PIXELS, SHAPE, check_paths, read_files, unpickle
from cafpy.feed.convert.report import ConversionReport, Progress, no_progress
from cafpy.feed.image import SUFFIXES, decode_image

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
Part = tuple[np.ndarray, np.ndarray]  # images N×3×32×32 in red, green, blue; labels


def convert_cifar10(
    source: str | Path,
    out_train: str | Path,
    out_test: str | Path,
    *,
    backend: str | int = "LMDB",
    force: bool = False,
    resume: bool = False,
    seed: int = 0,
    progress: Progress = no_progress,
) -> tuple[ConversionReport, ConversionReport]:
    """Write CIFAR-10 to two new databases; the reports are of the training and of the test set.

    ``source`` is the published archive or the folder in it, binary (cifar-10-binary.tar.gz) or for Python
    (cifar-10-python.tar.gz), or an archive or folder of images, train/<class>/… and test/<class>/…. Records are 3×32×32
    bytes under the keys "00000", "00001", …, channels in the order red, green, blue as published (and as in Caffe's
    example). Images from files come in random order, fixed by ``seed``.

    Raises DataError when ``source`` is missing, damaged or something else.
    """
    path = Path(source)
    check_paths(path, out_train, out_test, force)
    files = {PurePosixPath(name): content for name, content in read_files(path, _needed)}
    train, test = _parts(path, files, seed)
    return convert_two_arrays(
        train, test, out_train, out_test, backend=backend, force=force, resume=resume, names=CLASSES, progress=progress
    )


def _parts(source: Path, files: dict[PurePosixPath, bytes], seed: int) -> tuple[Part, Part]:
    by_name = {path.name: content for path, content in files.items()}
    formats: tuple[tuple[str, Callable[[str, bytes], Part]], ...] = ((".bin", _binary_batch), ("", _python_batch))
    for suffix, parse in formats:
        if f"test_batch{suffix}" in by_name:
            names = [f"data_batch_{i}{suffix}" for i in range(1, 6)]
            missing = [name for name in names if name not in by_name]
            if missing:
                raise DataError(f"'{source}' lacks {', '.join(missing)}; was it fetched whole?")
            batches = [parse(name, by_name[name]) for name in names]
            train = np.concatenate([images for images, _ in batches]), np.concatenate([labels for _, labels in batches])
            return train, parse(f"test_batch{suffix}", by_name[f"test_batch{suffix}"])
    return _images(source, files, "train", seed), _images(source, files, "test", seed)


def _binary_batch(name: str, content: bytes) -> Part:
    if not content or len(content) % (1 + PIXELS):
        raise DataError(f"{name} has {len(content):,} bytes, which is no multiple of {1 + PIXELS}; fetch it again")
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + PIXELS)
    return rows[:, 1:].reshape(-1, *SHAPE), _checked(name, rows[:, 0])


def _python_batch(name: str, content: bytes) -> Part:
    try:
        batch = unpickle(content)
        images, labels = batch[b"data"], batch[b"labels"]
        return np.asarray(images, np.uint8).reshape(-1, *SHAPE), _checked(name, np.asarray(labels))
    except DataError:
        raise
    except Exception as error:  # a damaged pickle may raise anything
        raise DataError(f"{name} is no batch of CIFAR-10's Python version ({error}); fetch it again") from error


def _images(source: Path, files: dict[PurePosixPath, bytes], part: str, seed: int) -> Part:
    """Images and labels of all files <part>/<class>/<image>, wherever ``part`` lies."""
    entries = sorted(path for path in files if path.suffix.lower() in SUFFIXES and path.parts[-3:-2] == (part,))
    if not entries:
        raise DataError(
            f"'{source}' is not CIFAR-10: it holds neither data_batch_1.bin nor data_batch_1 nor {part}/<class>/<image>"
        )
    random.Random(seed).shuffle(entries)
    images = np.empty((len(entries), *SHAPE), np.uint8)
    labels = np.empty(len(entries), np.int64)
    for i, path in enumerate(entries):
        if path.parts[-2] not in CLASSES:
            raise DataError(f"'{path}' lies in no class of CIFAR-10; they are {', '.join(CLASSES)}")
        try:
            image = decode_image(files[path])
        except DataError as error:
            raise DataError(f"'{path}' in '{source}' {error}") from error
        if image.shape != SHAPE:
            raise DataError(f"'{path}' is {image.shape[1]}×{image.shape[2]}, not 32×32 pixels")
        images[i] = image[::-1]  # blue, green, red to red, green, blue
        labels[i] = CLASSES.index(path.parts[-2])
    return images, labels


def _checked(name: str, labels: np.ndarray) -> np.ndarray:
    if labels.min() < 0 or labels.max() > 9:
        raise DataError(f"{name} holds the labels {labels.min()} to {labels.max()}, not 0 to 9; is it CIFAR-10?")
    return labels


def _needed(name: str) -> bool:
    """Whether a file may hold data, by its name."""
    path = PurePosixPath(name)
    return path.name.startswith(("data_batch_", "test_batch")) or path.suffix.lower() in SUFFIXES
