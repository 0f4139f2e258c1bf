"""Which runner runs which file: the formats are told apart by the folder that a file lies in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from cafpy.backend import Backend
from cafpy.testing.golden.data import run_batches
from cafpy.testing.golden.layers import run_layer
from cafpy.testing.golden.net_runs import run_net_numbers
from cafpy.testing.golden.nets import run_graph, run_net
from cafpy.testing.golden.outcome import Outcome
from cafpy.testing.golden.solvers import run_schedules, run_trajectory

Runner = Callable[[Path, Backend], Iterator[Outcome]]


def _one_layer(path: Path, backend: Backend) -> Iterator[Outcome]:
    yield run_layer(path, backend)


RUNNERS: dict[tuple[str, str], Runner] = {
    ("layers", "*__*.npz"): _one_layer,
    ("traj", "*__*.npz"): run_trajectory,
    ("solvers", "lr_schedules.json"): run_schedules,
    ("nets", "*.json"): run_net,
    ("nets_run", "*.json"): run_net_numbers,
    ("graph", "graph.json"): run_graph,
    ("batches", "*__*.npz"): run_batches,
}


def recordings(paths: Iterable[Path]) -> Iterator[tuple[Path, Runner]]:
    """Every recording at or under these paths, with its runner; other files are passed over."""
    for path in paths:
        for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
            for (folder, pattern), runner in RUNNERS.items():
                if file.resolve().parent.name == folder and file.match(pattern):
                    yield file, runner
