"""CIFAR-100, as published, to a training and a test database."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cafpy.errors import DataError
from cafpy.feed.convert.arrays import convert_two_arrays
from cafpy.feed.convert.cifar_files import PIXELS, SHAPE, check_paths, read_files, unpickle
from cafpy.feed.convert.report import ConversionReport, Progress, no_progress

FILES = frozenset({"train", "test", "meta", "train.bin", "test.bin", "fine_label_names.txt", "coarse_label_names.txt"})
COUNT = {"fine": 100, "coarse": 20}  # classes
COLUMN = {"coarse": 0, "fine": 1}  # of a row of the binary version
Part = tuple[np.ndarray, np.ndarray]  # images N×3×32×32 in red, green, blue; labels


def convert_cifar100(
    source: str | Path,
    out_train: str | Path,
    out_test: str | Path,
    *,
    coarse: bool = False,
    backend: str | int = "LMDB",
    force: bool = False,
    resume: bool = False,
    progress: Progress = no_progress,
) -> tuple[ConversionReport, ConversionReport]:
    """Write CIFAR-100 to two new databases; the reports are of the training and of the test set.

    ``source`` is cifar-100-binary.tar.gz, cifar-100-python.tar.gz, or the folder in one of them. Labels are
    those of the 100 classes, or with ``coarse`` of the 20 groups. Records are as :func:`convert_cifar10` makes them.

    Raises DataError when ``source`` is missing, damaged or something else.
    """
    path = Path(source)
    check_paths(path, out_train, out_test, force)
    kind = "coarse" if coarse else "fine"
    files = {PurePosixPath(name).name: content for name, content in read_files(path, _needed)}
    binary = "train.bin" in files
    suffix = ".bin" if binary else ""
    wanted = [f"train{suffix}", f"test{suffix}"]
    missing = [name for name in wanted if name not in files]
    if missing:
        raise DataError(f"'{path}' is not CIFAR-100, or not whole: it lacks {', '.join(missing)}")
    parse = _binary if binary else _pickled
    train, test = (parse(name, files[name], kind) for name in wanted)
    names = _names(files, kind)
    return convert_two_arrays(
        train, test, out_train, out_test, backend=backend, force=force, resume=resume, names=names, progress=progress
    )


def _needed(name: str) -> bool:
    return PurePosixPath(name).name in FILES


def _binary(name: str, content: bytes, kind: str) -> Part:
    if not content or len(content) % (2 + PIXELS):
        raise DataError(f"{name} has {len(content):,} bytes, which is no multiple of {2 + PIXELS}; fetch it again")
    rows = np.frombuffer(content, np.uint8).reshape(-1, 2 + PIXELS)
    return rows[:, 2:].reshape(-1, *SHAPE), _checked(name, rows[:, COLUMN[kind]], kind)


def _pickled(name: str, content: bytes, kind: str) -> Part:
    batch = _unpickled(name, content)
    try:
        images = np.asarray(batch[b"data"], np.uint8).reshape(-1, *SHAPE)
        labels = np.asarray(batch[f"{kind}_labels".encode()])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{name} is no file of CIFAR-100's Python version ({error}); fetch it again") from error
    return images, _checked(name, labels, kind)


def _names(files: dict[str, bytes], kind: str) -> list[str]:
    """Names of the classes, where the source has them."""
    if f"{kind}_label_names.txt" in files:
        return files[f"{kind}_label_names.txt"].decode("utf-8", "replace").split()
    if "meta" in files:
        return [name.decode() for name in _unpickled("meta", files["meta"]).get(f"{kind}_label_names".encode(), ())]
    return []


def _unpickled(name: str, content: bytes) -> Any:
    try:
        return unpickle(content)
    except DataError:
        raise
    except Exception as error:  # a damaged pickle may raise anything
        raise DataError(f"{name} is no file of CIFAR-100's Python version ({error}); fetch it again") from error


def _checked(name: str, labels: np.ndarray, kind: str) -> np.ndarray:
    last = COUNT[kind] - 1
    if not labels.size or labels.min() < 0 or labels.max() > last:
        came = f"{labels.min()} to {labels.max()}" if labels.size else "none"
        raise DataError(f"{name} holds the {kind} labels {came}, not 0 to {last}; is it CIFAR-100?")
    return labels
