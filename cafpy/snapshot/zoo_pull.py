"""A model of the zoo into a folder of one's own: its prototxt files, README.md and weights."""

from __future__ import annotations

import filecmp
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cafpy.download import Progress, file_checksum
from cafpy.errors import CafpyError, WeightsError
from cafpy.files import atomic_write
from cafpy.snapshot.weights import read_weights
from cafpy.snapshot.zoo import Model, data_scripts
from cafpy.snapshot.zoo_cache import zoo_weights


@dataclass
class PullReport:
    """What became of each file: ``written``, ``same`` as what was there, or ``kept``, as the user's own differs.

    ``weights`` is the weight file in the folder, None where the model has none; ``found`` is its checksum when none
    is published to compare it with.
    """

    folder: Path
    written: list[Path] = field(default_factory=list)
    same: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    weights: Path | None = None
    found: str | None = None


def pull(
    model: Model,
    folder: Path,
    mirrors: Sequence[str] = (),
    progress: Progress | None = None,
    force: bool = False,
    unchecked: bool = False,
) -> PullReport:
    """Put the model's files into ``folder``; where they name their own place, models/NAME/, it becomes ``folder``.

    The scripts that make its data go to where its nets look for the data: data/… in the current folder. Weights come
    first, so that without them nothing is written. A file that is there and differs is kept, unless ``force``. The
    weights are linked to the cache where the disk can do that, so they take no room twice.

    Raises WeightsError when public weights cannot be had, CafpyError when the folder cannot be written to.
    """
    report = PullReport(folder)
    source = None
    if model.shipped is not None or model.urls:
        source = zoo_weights(model.name, mirrors, progress, unchecked)
        if model.checksum is None:
            _check_readable(model, source)
            report.found = file_checksum(source)
    for path, content in _texts(model, folder):
        _make_folder(path.parent)
        _put(report, path, force, _same_content(content), _writer(content))
    if source is not None:
        report.weights = folder / model.file_name
        _put(report, report.weights, force, _same_file(source), _linker(source, model.shipped is None))
    return report


def _texts(model: Model, folder: Path) -> Iterator[tuple[Path, bytes]]:
    """README.md, the prototxt files and the scripts for their data: where they go and what is in them there."""
    own, new = f"models/{model.name}/", f"{folder.as_posix().rstrip('/')}/"
    data: set[str] = set()
    for path in sorted([model.folder / "README.md", *model.folder.rglob("*.prototxt")]):
        text = path.read_text("utf-8")
        data.update(re.findall(r'"data/(\w+)/', text))
        yield folder / path.relative_to(model.folder), text.replace(own, new).encode()
    for name in sorted(data):
        for path in data_scripts(name):
            yield Path("data", name, path.name), path.read_bytes()


def _put(
    report: PullReport, path: Path, force: bool, same: Callable[[Path], bool], write: Callable[[Path], None]
) -> None:
    if path.exists() and same(path):
        report.same.append(path)
    elif path.exists() and not force:
        report.kept.append(path)
    else:
        with atomic_write(path) as temporary:
            write(temporary)
        report.written.append(path)


def _same_content(content: bytes) -> Callable[[Path], bool]:
    return lambda path: path.read_bytes() == content


def _same_file(source: Path) -> Callable[[Path], bool]:
    return lambda path: filecmp.cmp(source, path, shallow=False)


def _writer(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


def _linker(source: Path, link: bool) -> Callable[[Path], None]:
    """Make a path another name of ``source`` where that is wanted and works, else a copy."""

    def write(path: Path) -> None:
        path.unlink()
        try:
            if not link:
                raise OSError
            os.link(source, path)
        except OSError:
            shutil.copyfile(source, path)

    return write


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CafpyError(f"the folder {path} cannot be made: {error.strerror}") from error


def _check_readable(model: Model, path: Path) -> None:
    """Where no checksum tells, at least it must be a weight file; what is none does not stay."""
    try:
        read_weights(path)
    except WeightsError as error:
        path.unlink()
        raise WeightsError(f"what {model.urls[0]} gave for {model.name} is no weight file; removed: {error}") from error
