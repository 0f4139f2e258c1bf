"""The newest snapshot of a run, for a resume after a crash: one that is damaged is passed over for the one before."""

from __future__ import annotations

import glob
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cafpy.errors import WeightsError
from cafpy.snapshot.solver_state import SolverState
from cafpy.snapshot.states import find_learned_net, read_state
from cafpy.snapshot.weights import read_weights


@dataclass
class NewestSnapshot:
    """What was found.

    Attributes:
        state: the newest solver state that is whole, and so are its weights; None when there is none.
        skipped: why each newer one is of no use.
    """

    state: Path | None = None
    skipped: list[str] = field(default_factory=list)


def newest_snapshot(prefix: str) -> NewestSnapshot:
    """The newest good snapshot among the files ``<prefix>_iter_<n>.solverstate`` and ``.solverstate.h5``."""
    found = NewestSnapshot()
    for _, path in sorted(state_files(prefix), reverse=True):
        try:
            check_snapshot(path)
        except WeightsError as error:
            found.skipped.append(str(error))
        else:
            found.state = path
            break
    return found


def state_files(prefix: str) -> Iterator[tuple[int, Path]]:
    """Every solver state of this prefix with its iteration."""
    name = re.compile(re.escape(Path(f"{prefix}_iter_").name) + r"(\d+)\.solverstate(\.h5)?")
    for text in glob.iglob(f"{glob.escape(prefix)}_iter_*.solverstate*"):
        match = name.fullmatch(Path(text).name)
        if match:
            yield int(match[1]), Path(text)


def remove_unfinished(prefix: str) -> None:
    """Remove what a killed run left of files that it was writing: hidden ones, which no reader takes for snapshots."""
    stem = Path(f"{prefix}_")
    name = re.compile(
        re.escape(f".{stem.name}") + r"(iter_\d+|best)(\.ema)?\.(caffemodel|solverstate)(\.h5)?\.[0-9a-f]{8}\.\w+"
    )
    if stem.parent.is_dir():
        for path in list(stem.parent.iterdir()):
            if name.fullmatch(path.name):
                path.unlink(missing_ok=True)


def check_snapshot(path: Path) -> None:
    """Raise WeightsError unless the state and the weights that belong to it can be read and are what was written."""
    state = read_state(path)
    model = find_learned_net(state, path)
    check_learned_net(state, model)
    read_weights(model)


def check_learned_net(state: SolverState, model: Path) -> None:
    """Raise WeightsError when the weight file is not the one that was written with the state."""
    if state.learned_net_crc is not None and file_crc(model) != state.learned_net_crc:
        raise WeightsError(
            f"{model} is damaged, breaks off, or belongs to another run: its solver state has another checksum"
        )


def file_crc(path: Path) -> int:
    """CRC-32 of a file's content."""
    crc = 0
    with path.open("rb") as file:
        while piece := file.read(1 << 22):
            crc = zlib.crc32(piece, crc)
    return crc
