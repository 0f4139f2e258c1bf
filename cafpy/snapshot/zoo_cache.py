"""Weights of the zoo on this machine: shipped with cafpy, in the cache, or fetched into it, and checked each time."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cafpy.download import Progress, check_file, download
from cafpy.errors import DataError, WeightsError
from cafpy.snapshot.zoo import Model, find_model

MIRROR_VARIABLE = "CAFPY_ZOO_MIRROR"


def cache_folder() -> Path:
    """Where fetched weights stay: $CAFPY_CACHE/zoo, or else cafpy/zoo in the platform's folder for caches."""
    if own := os.environ.get("CAFPY_CACHE"):
        return Path(own).expanduser() / "zoo"
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "cafpy" / "zoo"


def cached_file(model: Model) -> Path:
    """Where the model's weights are in the cache, if they are; also the place for a file fetched by hand."""
    return cache_folder() / model.file_name


def zoo_weights(
    name: str, mirrors: Sequence[str] = (), progress: Progress | None = None, unchecked: bool = False
) -> Path:
    """The weight file of the zoo's model ``name`` ("caffenet" or "zoo:caffenet"), fetched unless it is here.

    ``mirrors`` are folders or URLs of folders with files NAME.caffemodel; they are tried first, then those in
    $CAFPY_ZOO_MIRROR (several with spaces between), then where the weights are published. ``unchecked`` allows to
    fetch weights that no checksum is published for.

    Raises WeightsError when there is no such model, it has no public weights, or nobody gives them.
    """
    model = find_model(name)
    if model.shipped is not None:
        return _checked(model, model.shipped, "install cafpy anew")
    if not model.urls:
        raise WeightsError(f"the zoo has no weights for {model.name}: {_why_none(model)}")
    path = cached_file(model)
    if model.checksum is None and path.is_file():
        return path
    if model.checksum is None and not unchecked:
        raise WeightsError(
            f"no checksum is published for the weights of {model.name}, so nobody can tell whether they are the right "
            f"ones. `cafpy zoo pull {model.name} --unchecked` fetches them all the same; or fetch them by hand from "
            f"{model.urls[0]} and put them at {path}"
        )
    try:
        return download([*mirror_urls(model, mirrors), *model.urls], path, model.checksum, progress)
    except DataError as error:
        raise WeightsError(str(error)) from error


def mirror_urls(model: Model, mirrors: Sequence[str] = ()) -> list[str]:
    """Where the user's mirrors have the model's weights."""
    bases = [*mirrors, *os.environ.get(MIRROR_VARIABLE, "").split()]
    urls = [base if "://" in base else Path(base).expanduser().resolve().as_uri() for base in bases]
    return [f"{url.rstrip('/')}/{model.file_name}" for url in urls]


def _checked(model: Model, path: Path, remedy: str) -> Path:
    """``path``, when it is there and has the model's checksum. Raises WeightsError."""
    try:
        check_file(path, model.checksum or "")
    except DataError as error:
        raise WeightsError(f"the weights of {model.name} that came with cafpy are damaged: {error}; {remedy}") from None
    return path


def _why_none(model: Model) -> str:
    said = model.facts["weights"]
    if "zoo:" in said:
        return f"it starts from {said}"
    return f"none are public. Train it: `cafpy zoo pull {model.name}` gives its net and solver"
