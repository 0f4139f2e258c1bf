"""Does a layer keep its memory from pass to pass?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np

from cafpy.blob import Blob
from cafpy.testing.case import Case, build
from cafpy.testing.harness import Harness
from cafpy.testing.run import forward_backward


def check_memory(case: Case) -> None:
    """Two passes use the same memory: nothing that lives on is allocated in forward or backward."""
    if not case.bottoms:
        return
    with closing(build(case)) as harness:
        seen = []
        for _ in range(2):
            for i, values in enumerate(case.values()):
                harness.set_bottom(i, values)
            forward_backward(harness)
            seen.append(_addresses(harness))
        moved = [name for name, address in seen[1].items() if seen[0].get(name) != address]
        assert not moved, f"allocated anew in each pass, could be in reshape: {', '.join(moved)}"


def _addresses(harness: Harness) -> dict[str, int]:
    """Where the memory of all tops and of all arrays that the layer keeps begins, by name."""
    found = {f"top {i}": blob.data.ctypes.data for i, blob in enumerate(harness.top)}
    for name, value in vars(harness.layer).items():
        for i, array in enumerate(_arrays(value)):
            found[f"self.{name}" + (f" ({i})" if i else "")] = array.ctypes.data
    return found


def _arrays(value: Any) -> Iterator[np.ndarray]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, Blob):
        yield value.data
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _arrays(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _arrays(part)
