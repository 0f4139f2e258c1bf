"""What images are to be converted: those of a list file, a .csv file, or a folder with one folder for each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cafpy.errors import DataError
from cafpy.feed.convert.class_folders import check_labels, list_class_folders
from cafpy.feed.convert.csv_list import read_csv_list
from cafpy.feed.convert.report import ConversionReport
from cafpy.feed.image_list import read_image_list

Entry = tuple[str, int]  # path, label


@dataclass
class ListedImages:
    """What is to be converted.

    Attributes:
        entries: paths, which ``prefix`` comes before, with labels.
        labels_file: where the ``names`` of the labels go, if there are any.
        folders: they come from class folders.
        skipped: files that are left out by their names, with the reason.
    """

    entries: list[Entry]
    prefix: str
    labels_file: Path
    folders: bool = False
    names: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def tell_skipped(self, report: ConversionReport) -> None:
        """Note the files that are left out by their names."""
        for name, reason in self.skipped:
            folder = name.partition("/")[0]
            if folder in self.names:
                report.skip(self.names.index(folder), self.prefix + name, reason)
            else:
                report.skipped.append((self.prefix + name, reason))


def list_images(
    source: str | Path, root: str | Path | None, labels: Sequence[str] | None, labels_file: Path, force: bool
) -> ListedImages:
    """The images of a list file, a .csv file or a folder of class folders, as `convert_parts` takes them.

    Raises DataError when the source is wrong, or ``labels_file`` has other names and ``force`` is not given.
    """
    if Path(source).is_dir():
        entries, names, skipped = list_class_folders(Path(source), labels)
        images = ListedImages(entries, f"{Path(source)}/", labels_file, True, names, skipped)
    elif str(source).lower().endswith(".csv"):
        rows = read_csv_list(source, labels)
        if not rows.classes:
            raise DataError(
                f"'{source}' has {len(rows.columns)} label{'s' * (len(rows.columns) > 1)} an image "
                f"({', '.join(rows.columns)}), and a database holds one whole number; convert it to HDF5 instead"
            )
        entries = list(zip(rows.paths, rows.labels[:, 0].tolist(), strict=True))
        images = ListedImages(entries, path_prefix(root), labels_file, names=list(labels or ()))
    else:
        images = ListedImages(read_image_list(source, labels), path_prefix(root), labels_file, names=list(labels or ()))
    if images.names and not force:
        check_labels(labels_file, images.names)
    return images


def path_prefix(root: str | Path | None) -> str:
    """What comes before the paths of a list. Caffe puts the two together as text, whatever the paths begin with."""
    text = "" if root is None else str(root)
    return text if not text or text.endswith("/") else f"{text}/"
