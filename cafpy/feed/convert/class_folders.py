"""Images sorted into one folder a class: `<folder>/<class>/<image>`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cafpy.errors import DataError, did_you_mean
from cafpy.feed.image import SUFFIXES
from cafpy.missing_file import does_not_exist

LABELS_FILE = "labels.txt"


def list_class_folders(
    folder: Path, labels: Sequence[str] | None = None
) -> tuple[list[tuple[str, int]], list[str], list[tuple[str, str]]]:
    """Images with labels, names of the labels, and files left out with the reason.

    Classes are numbered in the order of ``labels``, or in alphabetical order; paths are relative to ``folder``, in
    alphabetical order. Hidden files and folders are ignored.

    Raises DataError when there are no class folders, one is not among ``labels`` or one has no image.
    """
    classes = sorted(path.name for path in folder.iterdir() if path.is_dir() and not _hidden(path.name))
    if not classes:
        raise DataError(f"the folder '{folder}' has no class folders; wanted {folder}/<class>/<image>, or a list file")
    names = list(labels) if labels is not None else classes
    numbers = {name: number for number, name in enumerate(names)}
    entries: list[tuple[str, int]] = []
    skipped: list[tuple[str, str]] = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix.lower() in SUFFIXES and not _hidden(path.name):
            skipped.append((path.name, "lies in no class folder"))
    for name in classes:
        if name not in numbers:
            raise DataError(f"the class folder '{folder / name}' is none of the labels{did_you_mean(name, names)}")
        images, others = _files(folder, name)
        if not images:
            raise DataError(f"the class folder '{folder / name}' holds no image; remove it or fill it")
        entries += [(image, numbers[name]) for image in images]
        skipped += [(other, "is no image, by the ending of its name") for other in others]
    return entries, names, skipped


def read_labels(path: str | Path) -> list[str]:
    """The names in a labels file, one a line, the first being label 0. Raises DataError when it is missing or empty."""
    if not Path(path).is_file():
        raise DataError(f"the labels file '{path}' {does_not_exist(path)}")
    names = [line.strip() for line in Path(path).read_text("utf-8").splitlines()]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise DataError(f"the labels file '{path}' is empty; it must hold a name a line")
    return names


def check_labels(path: Path, names: Sequence[str]) -> None:
    """Raise DataError when ``path`` holds other names: two databases would disagree about what a label is."""
    if path.exists() and (there := read_labels(path)) != list(names):
        raise DataError(
            f"'{path}' names other classes ({_some(there)}) than come now ({_some(names)}), so the same label would "
            "mean different classes; give the labels of the first, another folder for the database, or force it"
        )


def _files(folder: Path, name: str) -> tuple[list[str], list[str]]:
    """Images and other files of a class folder and the folders in it, relative to ``folder``."""
    images: list[str] = []
    others: list[str] = []
    for path in sorted((folder / name).rglob("*")):
        relative = path.relative_to(folder)
        # a link to nothing counts as a file, so that it is told
        if (path.is_file() or (path.is_symlink() and not path.exists())) and not any(map(_hidden, relative.parts)):
            (images if path.suffix.lower() in SUFFIXES else others).append(relative.as_posix())
    return images, others


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in ("Thumbs.db", "desktop.ini")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + f", … {len(names)} in all" * (len(names) > 5)
