"""Weights as a NumPy archive: one array "<layer>/<index>" for each parameter; shared ones only once."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from cafpy.errors import WeightsError
from cafpy.files import atomic_write
from cafpy.net import Net


def read(path: Path) -> dict[str, list[np.ndarray | None]]:
    """Parameters by layer. Raises WeightsError when the archive is damaged or its arrays have other names."""
    found: dict[str, dict[int, np.ndarray]] = {}
    try:
        with np.load(path, allow_pickle=False) as archive:
            for key in archive.files:
                layer, _, index = key.rpartition("/")
                if not layer or not index.isdigit():
                    raise WeightsError(f"{path}: array '{key}' is no parameter; names are like 'conv1/0'")
                found.setdefault(layer, {})[int(index)] = archive[key]
    except (BadZipFile, OSError, ValueError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"{path} cannot be read as .npz; it is damaged or breaks off ({error})") from error
    return {layer: [blobs.get(i) for i in range(max(blobs) + 1)] for layer, blobs in found.items()}


def write(net: Net, path: Path, write_diff: bool) -> None:
    """Write every parameter once. Raises WeightsError when gradients are asked for."""
    if write_diff:
        raise WeightsError(f"{path}: .npz holds no gradients; use .caffemodel or .h5")
    arrays = {f"{p.layer}/{p.index}": net.backend.to_host(p.blob.data) for p in net.learnable}
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
