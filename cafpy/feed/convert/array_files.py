"""NumPy's files of arrays."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cafpy.errors import DataError
from cafpy.missing_file import does_not_exist


def read_arrays(sources: Sequence[str]) -> dict[str, np.ndarray]:
    """The arrays of .npy files, named as the file or by "NAME=FILE", and of .npz files, named as in them.

    Raises DataError when a file is missing, damaged or of another kind, or a name comes twice.
    """
    arrays: dict[str, np.ndarray] = {}
    for source in sources:
        name, file = source.split("=", 1) if "=" in source and not Path(source).exists() else ("", source)
        loaded = _load(Path(file))
        if isinstance(loaded, np.ndarray):
            loaded = {name or Path(file).stem: loaded}
        elif name:
            raise DataError(f"'{source}': an .npz file names its arrays itself; leave out '{name}='")
        for key, array in loaded.items():
            if key in arrays:
                raise DataError(f"the array '{key}' comes twice; give another name, as NAME=FILE")
            arrays[key] = array
    return arrays


def _load(path: Path) -> np.ndarray | dict[str, np.ndarray]:
    if not path.is_file():
        raise DataError(f"'{path}' {does_not_exist(path)}")
    if path.suffix not in (".npy", ".npz"):
        raise DataError(f"'{path}' is neither .npy nor .npz; several sources must be arrays")
    try:
        loaded = np.load(path, allow_pickle=False)
        return loaded if isinstance(loaded, np.ndarray) else dict(loaded)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise DataError(f"'{path}' cannot be read as arrays: {error}") from error
